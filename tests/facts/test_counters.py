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
    file.parent.mkdir(parents=True)
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
