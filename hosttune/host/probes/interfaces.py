"""The addresses of each interface, from the kernel's dump as it comes: a change of a thousand asks a thousand times.

RTM_GETADDR of rtnetlink(7), linux/if_addr.h.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from collections.abc import Iterator

from hosttune.errors import HostError
from hosttune.host.probes._netlink import REQUEST_DUMP, messages
from hosttune.model import Reason

_NEWADDR, _GETADDR = 20, 22
_ADDRESS, _LOCAL = 1, 2  # IFA_ADDRESS, IFA_LOCAL: of a point-to-point link the first is the other end


def run() -> dict[str, list[str]]:
    """Return ADDRESS/PREFIX of each interface by its name, as the kernel lists them: of a subnet the first one first.

    An interface without any has an empty list.
    """
    try:
        names = dict(socket.if_nameindex())
        found: dict[str, list[str]] = {name: [] for name in names.values()}
        for index, address in _addresses():
            # one that came between the two questions has no name yet
            if index in names:
                found[names[index]].append(address)
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"rtnetlink: {os.strerror(error.errno or 0)}") from error
    return found


def _addresses() -> Iterator[tuple[int, str]]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as link:
        link.bind((0, 0))
        link.send(struct.pack("=IHHII", 24, _GETADDR, REQUEST_DUMP, 1, 0) + bytes(8))
        for kind, data, at, end in messages(link, 1 << 18):
            if kind == _NEWADDR:
                yield _one(data, at + 16, end)


def _one(data: bytes, at: int, end: int) -> tuple[int, str]:
    """Return the interface's number and ADDRESS/PREFIX of one message (struct ifaddrmsg, then attributes)."""
    prefix, index = data[at + 1], struct.unpack_from("=I", data, at + 4)[0]
    packed: dict[int, bytes] = {}
    at += 8
    while at + 4 <= end:
        length, kind = struct.unpack_from("=HH", data, at)
        packed[kind] = data[at + 4 : at + length]
        at += max((length + 3) & ~3, 4)
    return index, f"{ipaddress.ip_address(packed.get(_LOCAL) or packed[_ADDRESS])}/{prefix}"
