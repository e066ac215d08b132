"""What an apply that waits to be confirmed writes at once, where, and what waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.changes import backends, confirm
from hosttune.changes.confirm import BY_REBOOT, IN_TIME, Confirm, Moment
from hosttune.model import Change, FileState
from tests.changes import tree, waiting

FILE = FileState("# Written by hosttune\nx\n")


@pytest.mark.parametrize(
    ("path", "twin"),
    [
        ("/etc/sysctl.d/90-hosttune.conf", "/run/sysctl.d/90-hosttune.trial.conf"),
        ("/etc/sysctl.d/~~hosttune.conf", "/run/sysctl.d/~~hosttune.trial.conf"),
        ("/etc/modules-load.d/90-hosttune.conf", "/run/modules-load.d/90-hosttune.trial.conf"),
        ("/etc/systemd/system.conf.d/90-hosttune.conf", "/run/systemd/system.conf.d/90-hosttune.trial.conf"),
        ("/etc/systemd/system/a@b.service.d/hosttune.conf", "/run/systemd/system/a@b.service.d/hosttune.trial.conf"),
        ("/etc/systemd/network/1.network.d/9-hosttune.conf", "/run/systemd/network/1.network.d/9-hosttune.trial.conf"),
        ("/etc/systemd/network/91-hosttune-anyip.network", "/run/systemd/network/91-hosttune-anyip.network"),
        ("/etc/netplan/90-hosttune-eth0.yaml", "/run/netplan/90-hosttune-eth0.yaml"),
        ("/etc/security/limits.d/90-hosttune.conf", ""),
        ("/etc/network/if-up.d/hosttune-eth0", ""),
        ("/etc/NetworkManager/dispatcher.d/90-hosttune-eth0", ""),
    ],
)  # fmt: skip
def test_each_kind_of_file_has_a_twin_where_its_readers_look(path: str, twin: str) -> None:
    assert confirm.twin_of(path, replaced=False, systemd=True) == twin
    if twin:
        backends.check("file", twin, FILE)
        backends.check("directory", twin.rpartition("/")[0], "present")
        # read after the file that it stands in for, where both are read
        old, new = path.rpartition("/")[2].encode(), twin.rpartition("/")[2].encode()
        assert new >= old


def test_without_systemd_nothing_says_that_it_runs() -> None:
    assert confirm.twin_of("/etc/systemd/system/a.service.d/90-hosttune.conf", replaced=False, systemd=False) == ""
    assert confirm.twin_of("/etc/sysctl.d/90-hosttune.conf", replaced=False, systemd=False)
    with pytest.raises(ValueError, match="no directory that hosttune makes"):
        backends.check("directory", "/run/systemd/system", "present")


def test_one_network_file_that_is_replaced_waits() -> None:
    assert confirm.twin_of("/etc/systemd/network/91-hosttune-anyip.network", replaced=True, systemd=True) == ""


def test_split_keeps_every_change_and_writes_nothing_that_lasts(tmp_path: Path) -> None:
    root = waiting.make(tmp_path / "host")
    changes = [
        Change("sysctl", "net.core.somaxconn", "4096", "8192"),
        Change("directory", "/etc/security/limits.d", None, "present"),
        Change("file", "/etc/security/limits.d/90-hosttune.conf", None, FILE),
        Change("file", "/etc/sysctl.d/90-hosttune.conf", FILE, FileState("# Written by hosttune\ny\n", 0o600)),
        Change("file", "/etc/sysctl.d/99-hosttune.conf", FILE, None),
    ]
    parts = confirm.split(tree.Host(root), changes)
    assert parts.waits == tuple(changes[1:])
    assert [(c.backend, c.target) for c in parts.now] == [
        ("sysctl", "net.core.somaxconn"),
        ("directory", "/run/sysctl.d"),
        ("file", "/run/sysctl.d/90-hosttune.trial.conf"),
    ]
    assert parts.now[2].after == FileState("# Written by hosttune\ny\n", 0o600)
    # a file that goes has no twin either
    assert parts.late == ("/etc/security/limits.d/90-hosttune.conf", "/etc/sysctl.d/99-hosttune.conf")


@pytest.mark.parametrize("kind", ["ext4", "overlay", ""])
def test_where_run_outlives_a_boot_every_file_waits(tmp_path: Path, kind: str) -> None:
    root = waiting.make(tmp_path / "host")
    mount = f"22 1 8:2 / /run rw - {kind} /dev/sda2 rw\n" if kind else "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
    (root / "proc/self/mountinfo").write_text(mount)
    parts = confirm.split(tree.Host(root), [Change("file", "/etc/sysctl.d/90-hosttune.conf", None, FILE)])
    assert parts.now == () and parts.late == ("/etc/sysctl.d/90-hosttune.conf",)


@pytest.mark.parametrize("what", ["link", "theirs"])
def test_a_file_of_others_is_not_replaced(tmp_path: Path, what: str) -> None:
    root = waiting.make(tmp_path / "host")
    twin = root / "run/sysctl.d/90-hosttune.trial.conf"
    twin.parent.mkdir(parents=True)
    if what == "link":
        twin.symlink_to("/dev/null")
    else:
        twin.write_text("net.core.somaxconn = 1\n")
    parts = confirm.split(tree.Host(root), [Change("file", "/etc/sysctl.d/90-hosttune.conf", None, FILE)])
    assert parts.now == () and parts.late


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_it_is_over_at_the_deadline_and_by_a_reboot(deadline: int, now: int) -> None:
    given = Confirm(60, "one", deadline, "2026-01-01T00:00:00Z", "process")
    assert confirm.over(given, Moment("two", now)) == BY_REBOOT
    assert confirm.over(given, None) == ""
    assert confirm.over(given, Moment("one", now)) == (IN_TIME if now >= deadline else "")
    seconds = confirm.left(given, Moment("one", now))
    assert seconds == 0 if now >= deadline else (seconds - 1) * 1000 < deadline - now <= seconds * 1000


def test_the_moment_of_a_host_is_that_of_clock_boottime(tmp_path: Path) -> None:
    root = waiting.make(tmp_path / "host")
    found = confirm.moment(tree.Host(root))
    assert found == Moment("11111111-1111-1111-1111-111111111111", 1_000_000)
    (root / "proc/uptime").unlink()
    assert confirm.moment(tree.Host(root)) is None
