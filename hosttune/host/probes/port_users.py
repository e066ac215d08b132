"""Which sockets have a local port, and whose they are: in this network namespace (sock_diag(7), proc(5)).

A socket in TIME_WAIT or SYN_RECV is nobody's. The owner of another is sought among the processes of its user, and of
root, as far as their descriptors are few.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from typing import NotRequired, TypedDict

from hosttune import kernel
from hosttune.host import sock_diag
from hosttune.host.answers import Address, Count, Port
from hosttune.host.probes import workers

_MOST = 32  # sockets that are told
_OWNERS = 8  # of which an owner is sought
_LOOKS = 20_000  # entries of /proc/PID/fd that are looked at in all, each a few microseconds
_STATES = {
    **{kernel.ESTABLISHED: "ESTABLISHED", kernel.SYN_SENT: "SYN_SENT", kernel.SYN_RECV: "SYN_RECV"},
    **{kernel.FIN_WAIT1: "FIN_WAIT1", kernel.FIN_WAIT2: "FIN_WAIT2", kernel.TIME_WAIT: "TIME_WAIT"},
    **{kernel.CLOSE_WAIT: "CLOSE_WAIT", kernel.LAST_ACK: "LAST_ACK", kernel.CLOSING: "CLOSING"},
    **{kernel.LISTEN: "LISTEN", kernel.CLOSE: "BOUND"},
}
_ASKED = sum(1 << state for state in _STATES if state != kernel.CLOSE) | 1 << kernel.BOUND_INACTIVE
_SIZES = {socket.AF_INET: 4, socket.AF_INET6: 16}


class User(TypedDict):
    """A socket with the port: `peer` is the far end of a connection. `pid` is absent where its owner was not found."""

    address: Address
    state: str
    peer: NotRequired[Address]
    peer_port: NotRequired[Port]
    uid: Count
    pid: NotRequired[Count]
    name: NotRequired[str]


class PortUsers(sock_diag.Limited):
    """The sockets that have it, listeners first; `many`: there are more of them than these."""

    users: list[User]
    many: bool


def run(port: int) -> PortUsers:
    """Return them; raises HostError."""
    return sock_diag.asked(lambda link: _answer(link, port))


def _answer(link: sock_diag.Link, port: int) -> PortUsers:
    only = sock_diag.either([(sock_diag.S_EQ, struct.pack("=BBH", 0, 0, port))])
    found: list[tuple[User, int]] = []
    for family, _, _ in sock_diag.FAMILIES:
        for data, _ in sock_diag.dump(link, family, _ASKED, only):
            # /proc knows no filter
            found += [
                _user(data, start)
                for start, _ in sock_diag.sockets(data)
                if struct.unpack_from("!H", data, start + 20)[0] == port
            ]
    found.sort(key=lambda pair: (pair[0]["state"] != "LISTEN", pair[0]["state"] == "TIME_WAIT"))
    shown = found[:_MOST]
    _owned(shown[:_OWNERS])
    return {"users": [user for user, _ in shown], "many": len(found) > _MOST, **sock_diag.limited(link)}


def _user(data: bytes, start: int) -> tuple[User, int]:
    """Return a socket of a message, and its inode."""
    size = _SIZES[socket.AddressFamily(data[start + 16])]
    far = struct.unpack_from("!H", data, start + 22)[0]
    uid, inode = struct.unpack_from("=II", data, start + 80)
    user: User = {
        "address": sock_diag.readable(data[start + 24 : start + 24 + size]),
        "state": _STATES.get(data[start + 17], "BOUND"),
        "uid": uid,
    }
    if far:
        user |= {"peer": sock_diag.readable(data[start + 40 : start + 40 + size]), "peer_port": far}
    return user, inode


def _owned(found: list[tuple[User, int]]) -> None:
    """Find the processes that hold the sockets, by their inodes."""
    left = {inode: user for user, inode in found if inode}
    uids = {user["uid"] for user in left.values()}
    for pid, inode in _held({0, *uids}) if left else ():
        user = left.pop(inode, None)
        if user is not None:
            user["pid"], user["name"] = pid, _name(pid)
        if not left:
            return


def _held(uids: set[int]) -> Iterator[tuple[int, int]]:
    """Yield process and inode of sockets that the processes of some users hold."""
    looks = 0
    for pid in sorted(map(int, filter(str.isdigit, os.listdir("/proc")))):
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{pid}").st_uid not in uids:
                continue
            for number in os.listdir(f"/proc/{pid}/fd"):
                looks += 1
                if looks > _LOOKS:
                    return
                with contextlib.suppress(OSError):
                    link = os.readlink(f"/proc/{pid}/fd/{number}")
                    inode = link[8:-1] if link.startswith("socket:[") else ""
                    if inode.isdecimal():
                        yield pid, int(inode)


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return workers.named(workers.stat(pid).name, file.read().decode(errors="replace"))
    except OSError:
        return ""
