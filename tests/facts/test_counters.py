"""Counters by name, from files as the kernel writes them; what is not there, or is not as expected, is absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosttune.facts import counters
from tests.running import Running

DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
  lo:    6438    59    0    3    0     0          0      0   6438   59    0    0    0     0       0          0
  eth0:100000000 700000    1    4    0     0          0      0   1000   10    0    5    0     0       0          0
"""


def sample(root: Path, path: str, text: str) -> dict[str, int]:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return dict(counters.gather(Running(root)).counters)


def test_drops_of_all_interfaces_are_added_up(tmp_path: Path) -> None:
    assert sample(tmp_path, "/proc/net/dev", DEV) == {"dev.rx_dropped": 7, "dev.tx_dropped": 5}


@pytest.mark.parametrize("text", ("", DEV.rpartition("eth0")[0] + "eth0: 1 2\n", DEV.replace(" 4 ", " x ")))
def test_a_table_that_is_not_as_expected_gives_nothing(tmp_path: Path, text: str) -> None:
    assert sample(tmp_path, "/proc/net/dev", text) == {}


def test_softnet_is_hexadecimal_and_of_all_cpus(tmp_path: Path) -> None:
    text = "000000ff 00000010 00000001 0\n00000001 0000000f 00000000 0\n"
    assert sample(tmp_path, "/proc/net/softnet_stat", text) == {
        "softnet.processed": 256,
        "softnet.dropped": 31,
        "softnet.squeezed": 1,
    }


def test_tables_and_counts(tmp_path: Path) -> None:
    files = {
        "/proc/sys/fs/file-nr": "1056\t0\t9223372036854775807\n",
        "/proc/sys/net/netfilter/nf_conntrack_count": "17\n",
        "/proc/net/sockstat": "sockets: used 14\nTCP: inuse 1 orphan 0 tw 0 alloc 12 mem 306\n",
        "/proc/loadavg": "0.99 1.26 1.25 2/99 27814\n",
        "/proc/net/stat/arp_cache": "entries  allocs\n0000001a 0000001d\n0000001a 0000000a\n",
    }
    for path, text in files.items():
        sample(tmp_path, path, text)
    found = counters.gather(Running(tmp_path)).counters
    names = ("files.open", "conntrack.count", "sockstat.TCP.alloc", "tasks", "arp_cache.entries")
    assert [found[name] for name in names] == [1056, 17, 12, 99, 26]
    assert not counters.gather(Running(str(tmp_path / "proc"))).counters
