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
from hosttune.host import netlink
from hosttune.host.answers import Interface, Prefix
from hosttune.model import Reason

_NEWADDR, _GETADDR = 20, 22
_IFADDRMSG = 8
_ADDRESS, _LOCAL = 1, 2  # IFA_ADDRESS, IFA_LOCAL: of a point-to-point link the first is the other end


def run() -> dict[Interface, list[Prefix]]:
    """Return ADDRESS/PREFIX of each interface by its name, as the kernel lists them: of a subnet the first one first.

    An interface without any has an empty list.
    """
    try:
        names = dict(socket.if_nameindex())
        prefixes: dict[str, list[str]] = {name: [] for name in names.values()}
        for index, address in netlink.steady(_asked):
            # one that came between the two questions has no name yet
            if index in names:
                prefixes[names[index]].append(address)
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"rtnetlink: {os.strerror(error.errno or 0)}") from error
    return prefixes


def _asked() -> list[tuple[int, str]]:
    with netlink.opened(socket.NETLINK_ROUTE) as link:
        return list(addresses(link))


def addresses(link: socket.socket) -> Iterator[tuple[int, str]]:
    """Yield the interface's number and ADDRESS/PREFIX of each address; raises OSError."""
    link.send(struct.pack("=IHHII", 24, _GETADDR, netlink.REQUEST_DUMP, 1, 0) + bytes(8))
    for kind, data, at, end in netlink.messages(link, 1 << 18, consistent=True):
        entry = _address(data[at + netlink.HEADER : end]) if kind == _NEWADDR else None
        if entry is not None:
            yield entry


def _address(body: bytes) -> tuple[int, str] | None:
    """Return what one message says (struct ifaddrmsg, then attributes), None where it names no address."""
    if len(body) < _IFADDRMSG:
        return None
    fields = netlink.attributes(body, _IFADDRMSG, len(body))
    packed = fields.get(_LOCAL) or fields.get(_ADDRESS, b"")
    prefix, index = body[1], struct.unpack_from("=I", body, 4)[0]
    if len(packed) not in (4, 16) or prefix > len(packed) * 8:
        return None
    return index, f"{ipaddress.ip_address(packed)}/{prefix}"
