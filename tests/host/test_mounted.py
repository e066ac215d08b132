"""The host's files below a directory: read and written there, with the kernel that answers this process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hosttune.errors import HostError, UsageError
from hosttune.host import mounted, netns
from hosttune.host.live import LiveHost
from hosttune.model import FileState


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory below which the files of a host are mounted."""
    top = tmp_path / "host"
    (top / "etc/sysctl.d").mkdir(parents=True)
    (top / "etc/os-release").write_text("ID=node\n")
    monkeypatch.setenv("HOSTTUNE_HOST", f"{top}/")
    return top


def test_files_are_those_below_it_and_the_kernel_s_are_not(node: Path) -> None:
    (node / "proc/self").mkdir(parents=True)
    (node / "proc/self/status").write_text("of a file system that is no /proc")
    host = LiveHost()
    assert host.runs and host.root == "/"
    assert host.read("/etc/os-release") == "ID=node\n"
    assert host.glob("/etc/*") == ["/etc/os-release", "/etc/sysctl.d"]
    assert f"Pid:\t{os.getpid()}\n" in host.read("/proc/self/status")
    assert host.read("/proc/sys/kernel/osrelease").strip() == os.uname().release
    assert host.probe("page_size") == os.sysconf("SC_PAGE_SIZE")
    with pytest.raises(HostError):
        host.read("/etc/passwd")


def test_its_links_lead_where_they_lead_on_the_host(node: Path) -> None:
    (node / "usr/lib").mkdir(parents=True)
    (node / "usr/lib/release").write_text("below")
    (node / "etc/release").symlink_to("/usr/lib/release")
    (node / "etc/out").symlink_to("/../../../../../../etc/hostname")
    host = LiveHost()
    assert host.read("/etc/release") == "below"
    with pytest.raises(HostError):
        host.read("/etc/out")
    assert host.given("/etc/release", 100).data == b"below"


def test_what_is_written_is_written_below_it(node: Path) -> None:
    host = LiveHost()
    host.put("/etc/sysctl.d/90-x.conf", FileState("a = 1\n", 0o644))
    assert (node / "etc/sysctl.d/90-x.conf").read_text() == "a = 1\n"
    host.make_directory("/etc/new")
    assert (node / "etc/new").is_dir() and not Path("/etc/new").exists()
    host.remove("/etc/sysctl.d/90-x.conf")
    assert not list((node / "etc/sysctl.d").iterdir())


def test_sysctls_are_those_that_are_mounted_below_it(node: Path) -> None:
    (node / "proc/sys/kernel").mkdir(parents=True)
    (node / "proc/sys/net/core").mkdir(parents=True)
    somaxconn = node / "proc/sys/net/core/somaxconn"
    somaxconn.write_text("4096\n")
    host = LiveHost()
    assert host.read("/proc/sys/net/core/somaxconn") == "4096\n"
    assert host.glob("/proc/sys/net/core/*") == ["/proc/sys/net/core/somaxconn"]
    host.write("/proc/sys/net/core/somaxconn", "65535")
    assert somaxconn.read_text() == "65535" and host.unwritable("/proc/sys/net/core/somaxconn") == ""
    assert host.read("/proc/uptime")


def test_where_a_process_lives_is_asked_of_the_first(node: Path) -> None:
    assert mounted.of_first("/proc/self/cgroup") == "/proc/1/cgroup"
    assert mounted.of_first("/proc/self/status") == "/proc/self/status"
    assert mounted.at("/run/netns") == f"{node}/run/netns" and mounted.at("/proc/1/root") == "/proc/1/root"


def test_control_groups_are_named_as_the_host_does() -> None:
    first = "4:memory:/../..\n1:name=systemd:/../../init.scope\n0::/../../../init.scope\n"
    text = "4:memory:/../../a\n1:name=systemd:/../b\n0::/../../../system.slice/x.service\n2:cpu:/c\n"
    assert mounted.groups(text, first) == ("4:memory:/a\n1:name=systemd:/../b\n0::/system.slice/x.service\n2:cpu:/c\n")
    # without a namespace of its own they are so already, and the first process's own are at the top
    plain = "0::/system.slice/..x.service\n"
    assert mounted.groups(plain, "0::/init.scope\n") == plain
    assert mounted.groups("0::/../..\n", "0::/../..\n") == "0::/\n"
    assert mounted.is_groups("/proc/1/cgroup") and not mounted.is_groups("/proc/1/cgroup/x")


@pytest.mark.parametrize("given", ["host", "/nonexistent/host"])
def test_what_is_no_directory_is_one_line(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTTUNE_HOST", given)
    with pytest.raises(UsageError, match=r"HOSTTUNE_HOST .*: no directory; mount"):
        LiveHost()


@pytest.mark.parametrize("given", ["", "/"])
def test_without_it_files_are_at_their_own_place(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTTUNE_HOST", given)
    assert mounted.top() == "" and mounted.at("/etc/hostname") == "/etc/hostname"
    assert LiveHost().glob("/etc/passwd") == ["/etc/passwd"]


def test_an_image_is_what_it_was(node: Path, tmp_path: Path) -> None:
    (tmp_path / "image/etc").mkdir(parents=True)
    (tmp_path / "image/etc/os-release").write_text("ID=image\n")
    host = LiveHost(str(tmp_path / "image"))
    assert host.read("/etc/os-release") == "ID=image\n" and not host.runs


def test_who_may_enter_a_namespace_has_the_capability() -> None:
    status = Path("/proc/self/status").read_text()
    effective = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), 16)
    assert netns.may_enter() is bool(effective & 1 << 21)
