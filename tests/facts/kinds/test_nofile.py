"""The layers of descriptor limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosttune.facts.kinds import nofile
from hosttune.model import Reading, Reason, Subject, Unknown
from hosttune.resolve.systemd_limits import resolve_unit
from tests.running import Running

FILES = {
    "etc/os-release": "ID=debian\nVERSION_ID=13\n",
    "etc/passwd": "alice:x:1000:1000::/:/bin/sh\n",
    "etc/group": "",
    "etc/security/limits.conf": "alice soft nofile 4096\n",
    "etc/systemd/system/a.service": "[Service]\nLimitNOFILE=5000\n",
    "proc/sys/fs/nr_open": "1048576\n",
    "proc/7/cgroup": "0::/system.slice/a.service\n",
    "proc/7/limits": "Max open files            1024                 unlimited            files     \n",
    "proc/8/cgroup": "0::/user.slice/x.scope\n",
    "proc/8/limits": "Max open files            10                   20                   files     \n",
}


def reading(root: Path, name: str) -> Reading:
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return nofile.reading(Running(str(root)), Subject("nofile", name))


def test_login(tmp_path: Path) -> None:
    got = reading(tmp_path, "login/alice")
    assert got.runtime == got.boot == (4096, 524288)
    assert str(got.origin) == "/etc/security/limits.conf:1"


def test_unit(tmp_path: Path) -> None:
    got = reading(tmp_path, "unit/a.service")
    assert got.boot == (5000, 5000)
    assert got.runtime == (1024, 2**64 - 1)


def test_a_unit_by_another_name_runs_under_its_own(tmp_path: Path) -> None:
    reading(tmp_path, "unit/a.service")
    (tmp_path / "etc/systemd/system/b.service").symlink_to("a.service")
    got = reading(tmp_path, "unit/b.service")
    assert (got.boot, got.runtime) == ((5000, 5000), (1024, 2**64 - 1))


def test_a_drop_in_of_run_is_named_and_does_not_count(tmp_path: Path) -> None:
    passing = tmp_path / "run/systemd/system/a.service.d/x.conf"
    passing.parent.mkdir(parents=True)
    passing.write_text("[Service]\nLimitNOFILE=9000\n")
    got = reading(tmp_path, "unit/a.service")
    assert got.boot == (5000, 5000)
    assert "/run/systemd/system/a.service.d/x.conf:2 sets 9000 until the next boot: /run is empty then" in got.notes


def test_process_of_a_unit(tmp_path: Path) -> None:
    assert reading(tmp_path, "pid/7").boot == (5000, 5000)


def test_process_of_none(tmp_path: Path) -> None:
    got = reading(tmp_path, "pid/8")
    assert got.runtime == (10, 20)
    assert isinstance(got.boot, Unknown)
    assert got.boot.reason is Reason.UNDECIDED


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("login/bob", Reason.ABSENT),
        ("unit/b.service", Reason.ABSENT),
        ("pid/9", Reason.ABSENT),
        ("pid/x", Reason.MALFORMED),
    ],
)
def test_unknown(name: str, reason: Reason, tmp_path: Path) -> None:
    runtime = reading(tmp_path, name).runtime
    assert isinstance(runtime, Unknown)
    assert runtime.reason is reason


def test_a_transient_unit_is_a_unit_while_it_runs(tmp_path: Path) -> None:
    """systemd-run(1) writes its file below /run, which is empty after a boot."""
    made = tmp_path / "run/systemd/transient/run-1.service"
    made.parent.mkdir(parents=True)
    made.write_text("[Service]\nLimitNOFILE=777\n")
    host = Running(str(tmp_path))
    now, boot = (resolve_unit(host, "run-1.service", now=now) for now in (True, False))
    assert (now.exists, now.soft, boot.exists) == (True, 777, False)
