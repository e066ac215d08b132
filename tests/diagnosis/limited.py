"""What is global, and belongs to a guest: settings that are given back, control groups, users without privileges."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.diagnosis import made

_GROUPS = Path("/sys/fs/cgroup")
NOBODY = 65534


@contextlib.contextmanager
def sysctls(values: Mapping[str, object]) -> Iterator[None]:
    """Give the guest settings, by their paths below /proc/sys; restore them in reverse."""
    before: list[tuple[str, str]] = []
    try:
        for path, value in values.items():
            before.append((path, Path("/proc/sys", path).read_text()))
            made.sysctl(path, str(value))
        yield
    finally:
        for path, text in reversed(before):
            made.sysctl(path, text)


@contextlib.contextmanager
def group(limits: Mapping[str, int]) -> Iterator[Path]:
    """Make a control group (version 2) with limits, by their files; at the end it must be empty."""
    path = _GROUPS / "scene"
    path.mkdir()
    try:
        for name, value in limits.items():
            (path / name).write_text(str(value))
        yield path
    finally:
        made.until(lambda: not (path / "cgroup.procs").read_text().split(), "the group did not become empty")
        path.rmdir()


JOIN = "import pathlib, sys; pathlib.Path(sys.argv[1], 'cgroup.procs').write_text('0')\n"
"""Code with which a child becomes a member of the group that its first argument names."""

PLAIN = f"""
import ctypes, os, resource, select, socket, sys
os.setgroups([])
os.setresgid(*[{NOBODY}] * 3)
os.setresuid(*[{NOBODY}] * 3)
"""
"""Code with which a child becomes a user whom every limit binds; it may not read the interpreter's files any more."""


def open_files() -> int:
    """Return how many files the whole guest has open (proc_sys_fs(5), file-nr)."""
    return int(Path("/proc/sys/fs/file-nr").read_text().split()[0])


def leave(address: made.Address, count: int) -> None:
    """Close connections to a listener that does not read, with a little data unsent: each is an orphan."""
    for _ in range(count):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)  # the least: memory is not to run out first
            client.connect(address)
            fill([client])


def fill(clients: Iterable[socket.socket], size: int = 65_536, times: int = 1000) -> None:
    """Send on each connection until the kernel takes no more, or so many times."""
    for client in clients:
        client.setblocking(False)
        # a kernel that is out of memory resets connections
        with contextlib.suppress(BlockingIOError, ConnectionResetError):
            for _ in range(times):
                client.send(bytes(size))


def orphans() -> int:
    """Return the sockets that their programs have closed and that are not gone (/proc/net/sockstat)."""
    words = _sockstat()
    return int(words[words.index("orphan") + 1])


def pages() -> int:
    """Return the pages that TCP has (/proc/net/sockstat)."""
    words = _sockstat()
    return int(words[words.index("mem") + 1])


def _sockstat() -> list[str]:
    text = Path("/proc/net/sockstat").read_text()
    return next(line for line in text.splitlines() if line.startswith("TCP:")).split()


def neighbours() -> int:
    """Return the entries of the table of IPv4 neighbours (/proc/net/stat/arp_cache)."""
    return int(Path("/proc/net/stat/arp_cache").read_text().splitlines()[1].split()[0], 16)
