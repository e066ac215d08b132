"""The addresses of this host, and local routes that make whole prefixes its own (AnyIP).

Asked for by each look at backends, so not by pyroute2, whose import takes as long as the rest of that look.
RTM_GETADDR and RTM_GETROUTE of rtnetlink(7), linux/rtnetlink.h.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from collections.abc import Iterator

from hosttune.errors import HostError
from hosttune.host import netlink
from hosttune.host.probes import interfaces
from hosttune.model import Reason

_NEWROUTE, _GETROUTE = 24, 26
_RTMSG = struct.Struct("=BBBBBBBBI")
_LOCAL, _LOCAL_TABLE = 2, 255  # RTN_LOCAL, RT_TABLE_LOCAL
_DST = 1  # RTA_DST
_BYTES = {socket.AF_INET: 4, socket.AF_INET6: 16}


def run() -> dict[str, list[str]]:
    """Return `addresses` and `local_routes`, prefixes of the local table that are wider than one address.

    Raises HostError.
    """
    try:
        addresses, routes = netlink.steady(_addresses), netlink.steady(_local_routes)
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"rtnetlink: {os.strerror(error.errno or 0)}") from error
    return {"addresses": sorted(addresses), "local_routes": sorted(routes - {"127.0.0.0/8"})}


def _addresses() -> set[str]:
    with netlink.opened(socket.NETLINK_ROUTE) as link:
        return {address.partition("/")[0] for _, address in interfaces.addresses(link)}


def _local_routes() -> set[str]:
    with netlink.opened(socket.NETLINK_ROUTE) as link:
        return set(_routes(link))


def _routes(link: socket.socket) -> Iterator[str]:
    length = netlink.HEADER + _RTMSG.size
    link.send(struct.pack("=IHHII", length, _GETROUTE, netlink.REQUEST_DUMP, 1, 0) + bytes(_RTMSG.size))
    for kind, data, at, end in netlink.messages(link, 1 << 18, consistent=True):
        if kind != _NEWROUTE or end - at < length:
            continue
        family, width, _, _, table, _, _, type_, _ = _RTMSG.unpack_from(data, at + netlink.HEADER)
        size = _BYTES.get(family, 0)
        if table == _LOCAL_TABLE and type_ == _LOCAL and width < size * 8:
            # a prefix of no bits has no address
            packed = netlink.attributes(data, at + length, end).get(_DST, bytes(size))
            if len(packed) == size:
                yield f"{ipaddress.ip_address(packed)}/{width}"
