"""The network namespaces of this host: those of processes, and those that a file keeps.

namespaces(7), ip-netns(8), proc_pid_mountinfo(5). What only a descriptor or a single thread keeps is not found.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

from hosttune.host import proc
from hosttune.host.answers import Count
from hosttune.host.reading import OPENING

_OWN = "/proc/thread-self/ns/net"
_NAMED = ("/run/netns", "/run/docker/netns")  # ip-netns(8); moby/libnetwork/osl
_MOST = 1_024
_PROCESSES = 100_000  # a few microseconds each
_NAMES = 4_096  # in one directory
_FILES = 4  # of one namespace
_MOUNTS = 8 << 20  # bytes of mountinfo
_ROOT = re.compile(r"net:\[([0-9]{1,12})\]")


class Row(TypedDict):
    """A namespace: `own` is the one that is asked from, `pid` the first of its processes, `files` are what keeps it."""

    inode: Count
    own: bool
    processes: Count
    files: list[str]
    pid: NotRequired[Count]


class NetworkNamespaces(TypedDict):
    """The namespaces, the own one first.

    `hidden` are processes whose namespace this user may not see, `unread` those that were too many to look at, `more`
    the namespaces beyond those of `rows`.
    """

    rows: list[Row]
    hidden: Count
    unread: Count
    more: Count


@dataclass
class _Kept:
    processes: int = 0
    pid: int = 0
    files: list[str] = field(default_factory=list)


class _Seen:
    """The namespaces by their inodes, at most _MOST of them."""

    def __init__(self, own: int) -> None:
        self.kept = {own: _Kept()}
        self.more: set[int] = set()

    def of(self, inode: int) -> _Kept | None:
        """Return what keeps a namespace, None where there are too many."""
        if inode not in self.kept and len(self.kept) >= _MOST:
            self.more.add(inode)
            return None
        return self.kept.setdefault(inode, _Kept())


def run() -> NetworkNamespaces:
    """Return them; raises OSError."""
    status = os.stat(_OWN)
    seen = _Seen(status.st_ino)
    hidden, unread = _of_processes(seen)
    for inode, path in (*_named(status.st_dev), *mounted(_mountinfo())):
        kept = seen.of(inode)
        if kept and path not in kept.files and len(kept.files) < _FILES:
            kept.files.append(path)
    rows = [_row(inode, kept, status.st_ino) for inode, kept in seen.kept.items()]
    return {"rows": rows, "hidden": hidden, "unread": unread, "more": len(seen.more)}


def _row(inode: int, kept: _Kept, own: int) -> Row:
    row: Row = {"inode": inode, "own": inode == own, "processes": kept.processes, "files": kept.files}
    return row | {"pid": kept.pid} if kept.pid else row


def _of_processes(seen: _Seen) -> tuple[int, int]:
    """Add those of processes, the oldest numbers first; return how many processes hide theirs, and were not read."""
    pids = sorted(int(name) for name in os.listdir("/proc") if name.isdecimal())
    hidden = 0
    for pid in pids[:_PROCESSES]:
        try:
            inode = os.stat(f"/proc/{pid}/ns/net").st_ino
        except PermissionError:
            hidden += 1
            continue
        except OSError:  # it has ended
            continue
        if kept := seen.of(inode):
            kept.processes += 1
            kept.pid = kept.pid or pid
    return hidden, max(len(pids) - _PROCESSES, 0)


def _named(device: int) -> Iterator[tuple[int, str]]:
    """Yield inode and path of the namespaces that have a name in one of the known directories."""
    for directory in _NAMED:
        try:
            names = sorted(os.listdir(directory))[:_NAMES]
        except OSError:
            continue
        for name in names:
            path = f"{directory}/{name}"
            try:
                status = os.stat(path)
            except OSError:
                continue
            if status.st_dev == device:  # else a file that nothing is mounted on
                yield status.st_ino, path


def mounted(mountinfo: str) -> Iterator[tuple[int, str]]:
    """Yield inode and path of the network namespaces that are mounted somewhere, of the text of mountinfo."""
    for mount in proc.mountinfo(mountinfo):
        if mount.type == "nsfs" and (match := _ROOT.fullmatch(mount.root)):
            yield int(match[1]), re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), mount.place)


def _mountinfo() -> str:
    """Return the mounts, those beyond _MOUNTS bytes left out."""
    pieces, size = [], 0
    try:
        fd = os.open("/proc/self/mountinfo", OPENING)
    except OSError:
        return ""
    try:
        while size < _MOUNTS and (piece := os.read(fd, 1 << 18)):
            pieces.append(piece)
            size += len(piece)
    finally:
        os.close(fd)
    return b"".join(pieces).decode("utf-8", "surrogateescape")
