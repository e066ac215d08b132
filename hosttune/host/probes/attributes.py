"""What the connections of a process are marked with, and which device they are bound to (sock_diag(7)).

The kernel shows the mark to who has CAP_NET_ADMIN alone (net/ipv4/inet_diag.c, inet_diag_msg_attrs_fill()).
"""

from __future__ import annotations

import os
import re
import struct
from itertools import islice
from typing import TypedDict

from hosttune.host import netlink, sock_diag
from hosttune.host.answers import Count, Interface, Pid
from hosttune.host.sock_diag import FAMILIES, FULL, SMALLEST, Link

_MARK = 15  # INET_DIAG_MARK
_INODE = 84  # idiag_inode, from the beginning of the message
_SOCKET = re.compile(r"socket:\[(\d{1,20})\]")
_MOST = 100_000
"""Sockets and descriptors that are looked at: those of one process are alike."""


class Attributes(TypedDict):
    """The marks and the devices of connections, each value once; "" is no device. `marks` null: not shown to us."""

    marks: list[Count] | None
    devices: list[Interface]
    unbound: bool


def run(pids: list[Pid], ports: list[int]) -> Attributes:
    """Return those of the processes' connections to some ports; raises HostError."""
    inodes = {inode for pid in pids for inode in _inodes(pid)}
    return sock_diag.asked(lambda link: _of(link, inodes, set(ports)))


def _inodes(pid: str) -> set[int]:
    inodes = set()
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            for entry in islice(entries, _MOST):
                match = _SOCKET.fullmatch(os.readlink(entry.path))
                if match:
                    inodes.add(int(match[1]))
    except OSError:
        return inodes  # it has ended, or is another user's
    return inodes


def _of(link: Link, inodes: set[int], ports: set[int]) -> Attributes:
    marks: set[int] = set()
    devices: set[int] = set()
    shown = True
    left = _MOST
    filters = sock_diag.either(sock_diag.ports(ports)) if ports else b""
    for family, _, _ in FAMILIES if inodes else ():
        with sock_diag.apart(link) as other:
            for data, _ in sock_diag.dump(other, family, FULL, filters):
                for start, length in sock_diag.sockets(data):
                    left -= 1
                    if struct.unpack_from("=I", data, start + _INODE)[0] not in inodes:
                        continue
                    devices.add(struct.unpack_from("=I", data, start + 4 * sock_diag.DEVICE)[0])
                    mark = netlink.attributes(data, start + SMALLEST, start + length).get(_MARK)
                    shown = shown and mark is not None
                    marks.update(struct.unpack("=I", mark) if mark and len(mark) == 4 else ())
                if left < 0:
                    break
    names = sorted(sock_diag.device(number) for number in devices if number)
    return {"marks": sorted(marks) if shown else None, "devices": names, "unbound": 0 in devices}
