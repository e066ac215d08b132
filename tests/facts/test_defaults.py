"""What comes back at a boot where no file sets a key: reckoned as the kernel does, held against kernels."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from hosttune import kernel
from hosttune.facts import defaults, machine
from hosttune.facts.kinds import sysctl
from hosttune.host.live import LiveHost
from hosttune.model import Reading, Reason, Subject, Unknown, Value
from hosttune.profile import load
from hosttune.resolve.systemd_limits import BUMPED
from tests import verbs
from tests.running import Running

pytestmark = pytest.mark.slow  # verb after verb, each on a machine of its own

HOSTS = Path(__file__).parent.parent / "hosts"
GIB = 1 << 30
UNSET = Unknown(Reason.UNSET)
KEYS = [subject.removeprefix("sysctl:") for subject in sorted(defaults.ROUGH)]


def test_the_running_kernel_has_what_the_rules_give() -> None:
    host = LiveHost()
    found = sysctl.read(host, tuple(KEYS))
    mine = {f"sysctl:{key}": r for key, r in found.items() if r.boot == UNSET and not isinstance(r.runtime, Unknown)}
    told = defaults.defaults(host, machine.gather(host), mine)
    assert len(mine) >= 5
    assert {s: told[s] for s in mine} == {s: r.runtime for s, r in mine.items()}


@pytest.mark.parametrize("role", load.names())
@pytest.mark.parametrize("name", ["debian12-stock", "debian13-stock", "debian12-no-ipv6"])
def test_nothing_of_a_stock_machine_is_lost_at_a_boot(name: str, role: str) -> None:
    done = verbs.hosttune("check", "--role", role, "--format", "json", "--snapshot", str(HOSTS / f"{name}.json"))
    findings = json.loads(done.stdout)["findings"]
    # a recording lacks what no role had asked for when it was made
    told = [f for f in findings if not f["because"].startswith("not in the snapshot")]
    assert told and not [f for f in told if f["verdict"] in ("DRIFT", "UNKNOWN")]


def told(root: Path, key: str, now: Value, **about: object) -> Value | None:
    """Return the default of one key on a machine of 16 GiB that runs Linux 6.1 and systemd."""
    files = {"etc/os-release": "ID=debian\nVERSION_ID=12\n", "proc/sys/kernel/osrelease": "6.1.0\n"}
    files |= {"proc/1/comm": "systemd\n", "proc/sys/fs/nr_open": f"{now}\n"}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    host = Running(str(root))
    here = dataclasses.replace(machine.gather(host), **({"memory": 16 * GIB, "page_size": 4096} | about))  # type: ignore[arg-type]
    subject = Subject("sysctl", key)
    return defaults.defaults(host, here, {str(subject): Reading(subject, now, UNSET)}).get(str(subject))


def test_a_value_that_no_rule_gives_is_not_the_default(tmp_path: Path) -> None:
    assert told(tmp_path, "net.ipv4.tcp_max_tw_buckets", 2_000_000) == 65536
    assert told(tmp_path, "net.ipv4.tcp_max_tw_buckets", 65536) == 65536
    # within reach of the rule, but not in the kernel's own proportion
    mine = told(tmp_path, "net.ipv4.tcp_mem", (190_000, 260_000, 390_000))
    assert isinstance(mine, tuple) and mine[1] < 16 * GIB // 4096 // 16
    assert told(tmp_path, "net.ipv4.tcp_mem", (195_000, 260_000, 390_000)) == (195_000, 260_000, 390_000)
    assert told(tmp_path, "net.ipv4.tcp_mem", (1, 2, 3), memory=None) is None


def test_the_table_of_conntrack_is_the_modules_unless_it_is_told_otherwise(tmp_path: Path) -> None:
    key = "net.netfilter.nf_conntrack_max"
    assert told(tmp_path, key, 2_000_000) == 262_144
    assert told(tmp_path, key, 2_000_000, memory=973 << 20) == 6656
    options = tmp_path / "etc/modprobe.d/ct.conf"
    options.parent.mkdir()
    options.write_text("options nf_conntrack hashsize=500000\n")
    assert told(tmp_path, key, 2_000_000) is None


@pytest.mark.parametrize("spelled", ["net.core.somaxconn", "net/core/somaxconn"])
def test_what_the_command_line_sets_comes_back(spelled: str, tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text(f"root=/dev/vda sysctl.{spelled}=70000 quiet\n")
    # it sets the first network namespace alone, which is known by a key that no other one has
    assert told(tmp_path, "net.core.somaxconn", 80_000) != 70_000
    (tmp_path / "proc/sys/net/core").mkdir(parents=True, exist_ok=True)
    (tmp_path / "proc/sys/net/core/netdev_max_backlog").write_text("1000\n")
    assert told(tmp_path, "net.core.somaxconn", 80_000) == 70_000


@pytest.mark.parametrize(
    ("release", "now", "wanted"),
    [
        ("ID=debian\nVERSION_ID=12\n", 3_000_000, kernel.NR_OPEN),
        ("ID=debian\nVERSION_ID=12\n", kernel.NR_OPEN, kernel.NR_OPEN),
        ("ID=debian\nVERSION_ID=13\n", 3_000_000, BUMPED),
        ("ID=rhel\nVERSION_ID=9.4\n", BUMPED, BUMPED),
        ("ID=rhel\nVERSION_ID=9.4\n", kernel.NR_OPEN, kernel.NR_OPEN),
        ("ID=rhel\nVERSION_ID=9.4\n", 3_000_000, None),
    ],
)
def test_nr_open_is_what_this_systemd_makes_it(release: str, now: int, wanted: int | None, tmp_path: Path) -> None:
    told(tmp_path, "fs.nr_open", now)
    (tmp_path / "etc/os-release").write_text(release)
    host = Running(str(tmp_path))
    assert defaults.defaults(host, machine.gather(host), {}).get("sysctl:fs.nr_open") == wanted


def test_a_container_does_not_see_the_files_that_set_a_global_value(tmp_path: Path) -> None:
    here = {"container": "docker", "systemd": False}
    assert told(tmp_path, "fs.epoll.max_user_watches", 10**9, **here) is None
    assert told(tmp_path, "fs.epoll.max_user_watches", 10**9) is not None
