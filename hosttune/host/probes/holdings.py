"""What a process holds: its connections and its listeners, and whether it is linked with TCP wrappers.

proc(5), sock_diag(7); only listeners and the connections at their ports are dumped, whatever else the host has open.
"""

from __future__ import annotations

import os
import re
import socket
import struct
from collections.abc import Iterator
from typing import NotRequired, TypedDict

from hosttune import kernel
from hosttune.errors import HostError
from hosttune.host import sock_diag
from hosttune.host.answers import Count
from hosttune.host.probes.traffic import Listener, owners
from hosttune.model import Reason

_MOST = 4096  # each entry of /proc/PID/fd that is looked at costs the kernel an inode and a dentry, fs/proc/fd.c
_RINGS, _LONGEST = 64, 4 << 20  # rings that are looked at, and bytes of each: a line for each file that it keeps
# all states of a socket at a listener's port but LISTEN, and TIME_WAIT and SYN_RECV, which have no descriptor
_LISTEN, _CONNECTED = 1 << kernel.LISTEN, sock_diag.FULL | 1 << kernel.FIN_WAIT2 | 1 << kernel.CLOSE
_FAMILIES = (socket.AF_INET, socket.AF_INET6)


class Holdings(TypedDict):
    """What a process holds.

    `accepted` are connections at the ports that it listens on, `outgoing` its other TCP sockets, both null where it has
    more than 4,096 descriptors: then only listeners among the first are looked for. `listeners` are its own, which
    /proc does not show, `backlogs` theirs, `wrapped`: it is linked with TCP wrappers. `direct` are
    sockets that io_uring keeps for it and that have no descriptor.
    """

    accepted: Count | None
    outgoing: Count | None
    backlogs: list[Count]
    listeners: NotRequired[list[Listener]]
    wrapped: NotRequired[bool]
    direct: NotRequired[Count]


def run(pid: int) -> Holdings:
    """Return it; raises HostError."""
    try:
        holdings = _sockets(pid)
        holdings["wrapped"] = _wrapped(pid)
        return holdings
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"what process {pid} holds: {os.strerror(error.errno or 0)}") from error


def _sockets(pid: int) -> Holdings:
    """Return its connections and backlogs; raises OSError, or HostError where they are not to be seen from here."""
    if os.stat(f"/proc/{pid}/ns/net").st_ino != os.stat("/proc/thread-self/ns/net").st_ino:
        raise HostError(Reason.INVISIBLE, f"process {pid} is in another network namespace")
    counted = os.stat(f"/proc/{pid}/fd").st_size
    rings: list[str] = []
    inodes = set(_tcp(pid, counted, rings))
    holdings = sock_diag.asked(lambda link: _counted(link, inodes, 0 < counted <= _MOST))
    holdings["direct"] = sum(_direct(pid, ring) for ring in rings[:_RINGS])
    return holdings


def _counted(link: sock_diag.Link, inodes: set[int], all_: bool) -> Holdings:
    own = [row for row in _rows(link, _LISTEN, b"") if row[0] in inodes]
    listeners = [row for row in owners(link, _LISTEN)[1] if row["inode"] in inodes] if link is not None else []
    backlogs = [row["backlog"] for row in listeners]
    if not all_:
        return {"accepted": None, "outgoing": None, "backlogs": backlogs, "listeners": listeners}
    ports = {port for _, port in own}
    at = sock_diag.either([(sock_diag.S_EQ, struct.pack("=BBH", 0, 0, port)) for port in sorted(ports)])
    at = at if len(at) <= sock_diag.LONGEST_FILTER else b""
    connected = _rows(link, _CONNECTED, at) if ports else ()
    accepted = {inode for inode, port in connected if port in ports} & inodes
    outgoing = inodes - accepted - {inode for inode, _ in own}
    return {"accepted": len(accepted), "outgoing": len(outgoing), "backlogs": backlogs, "listeners": listeners}


def _tcp(pid: int, counted: int, rings: list[str]) -> Iterator[int]:
    """Yield the inodes of its TCP sockets, and keep the numbers of what are rings of io_uring.

    The name of a socket's protocol is an attribute of it (net/socket.c).
    """
    numbers = os.listdir(f"/proc/{pid}/fd") if 0 < counted <= _MOST else map(str, range(_MOST))
    for number in numbers:
        path = f"/proc/{pid}/fd/{number}"
        try:
            link = os.readlink(path)
            if link == "anon_inode:[io_uring]":
                rings.append(number)
            inode = re.fullmatch(r"socket:\[(\d+)\]", link)
            if inode and os.getxattr(path, "system.sockprotoname").startswith((b"TCP", b"MPTCP")):
                yield int(inode[1])
        except FileNotFoundError:
            continue


def _direct(pid: int, ring: str) -> int:
    """Return the sockets that are registered with a ring (io_uring/fdinfo.c), as many as one look shows."""
    try:
        with open(f"/proc/{pid}/fdinfo/{ring}", "rb") as file:
            return file.read(_LONGEST).count(b": socket:[")
    except OSError:
        return 0


def _rows(link: sock_diag.Link, states: int, filters: bytes) -> Iterator[tuple[int, int]]:
    """Yield inode and local port of sockets."""
    for family in _FAMILIES:
        for data, _ in sock_diag.dump(link, family, states, filters):
            for start, _ in sock_diag.sockets(data):
                (port,) = struct.unpack_from("!H", data, start + 20)
                (inode,) = struct.unpack_from("=I", data, start + 84)
                yield inode, port


def _wrapped(pid: int) -> bool:
    with open(f"/proc/{pid}/maps", "rb") as file:
        return any(b"/libwrap.so" in line for line in file)
