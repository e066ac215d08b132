"""The addresses of this host, and local routes that make whole prefixes its own (AnyIP), from the kernel's dumps.

RTM_GETADDR and RTM_GETROUTE of rtnetlink(7). Every check with a backend asks this: pyroute2 would take longer to be
imported than all else that it does.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import struct
import sys
from collections.abc import Iterator
from typing import TypedDict

from hosttune.errors import HostError
from hosttune.host import netlink
from hosttune.host.answers import Address, Prefix
from hosttune.host.probes import interfaces
from hosttune.model import Reason

_NEWROUTE, _GETROUTE = 24, 26
_RTMSG = struct.Struct("=BBBBBBBBI")  # struct rtmsg, linux/rtnetlink.h
_DST, _TABLE = 1, 15  # RTA_*
_LOCAL, _LOCAL_TABLE = 2, 255  # RTN_LOCAL, RT_TABLE_LOCAL
_SOL_NETLINK, _STRICT = 270, 12  # NETLINK_GET_STRICT_CHK: the kernel leaves other tables out, since Linux 4.20
_WIDTH = {socket.AF_INET: 32, socket.AF_INET6: 128}


class Addresses(TypedDict):
    """The addresses, and the prefixes of the local table that are wider than one address."""

    addresses: list[Address]
    local_routes: list[Prefix]


def run() -> Addresses:
    """Return them; raises HostError."""
    try:
        addresses, routes = netlink.steady(_asked)
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"rtnetlink: {os.strerror(error.errno or 0)}") from error
    return {"addresses": sorted(addresses), "local_routes": sorted(routes - {"127.0.0.0/8"})}


def _asked() -> tuple[set[str], set[str]]:
    with netlink.opened(socket.NETLINK_ROUTE) as link:
        addresses = {address.partition("/")[0] for _, address in interfaces.addresses(link)}
        with contextlib.suppress(OSError):
            link.setsockopt(_SOL_NETLINK, _STRICT, 1)
        return addresses, {prefix for family in _WIDTH for prefix in prefixes(link, family)}


def prefixes(link: socket.socket, family: int) -> Iterator[str]:
    """Yield the prefixes of a family that are local by a route; raises OSError."""
    asked = _RTMSG.pack(family, 0, 0, 0, _LOCAL_TABLE, 0, 0, 0, 0)
    link.send(struct.pack("=IHHII", netlink.HEADER + len(asked), _GETROUTE, netlink.REQUEST_DUMP, 1, 0) + asked)
    for kind, data, at, end in netlink.messages(link, 1 << 18, consistent=True):
        prefix = _prefix(data, at + netlink.HEADER, end) if kind == _NEWROUTE else ""
        if prefix:
            yield prefix


def _prefix(data: bytes, at: int, end: int) -> str:
    """Return the prefix of a local route that is wider than one address, "" for any other route."""
    if end - at < _RTMSG.size:
        return ""
    family, length, _, _, table, _, _, kind, _ = _RTMSG.unpack_from(data, at)
    fields, width = netlink.attributes(data, at + _RTMSG.size, end), _WIDTH.get(family, 0)
    if kind != _LOCAL or int.from_bytes(fields.get(_TABLE, b""), sys.byteorder) not in (_LOCAL_TABLE, 0):
        return ""
    packed = fields.get(_DST, bytes(width // 8))  # of a route for everything there is none
    wide = table == _LOCAL_TABLE and length < width and len(packed) * 8 == width
    return f"{ipaddress.ip_address(packed)}/{length}" if wide else ""
