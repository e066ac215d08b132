"""Which source address and interface routing picks towards a destination (RTM_GETROUTE, rtnetlink(7))."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Mapping
from typing import NotRequired, TypedDict

from hosttune.errors import HostError
from hosttune.host import netlink
from hosttune.host.answers import Address, MaybeAddress
from hosttune.model import Reason

_NEWROUTE, _GETROUTE = 24, 26
_REQUEST = 1  # NLM_F_REQUEST
_RTMSG = 12  # struct rtmsg
_DST, _OIF, _GATEWAY, _PREFSRC, _VIA = 1, 4, 5, 7, 18  # RTA_*, linux/rtnetlink.h
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


class Answer(TypedDict):
    """The way to a destination; `gateway` "": a neighbour. Where there is no route, all are "" and `error` says why."""

    source: MaybeAddress
    gateway: NotRequired[str]
    interface: NotRequired[str]
    error: NotRequired[str]


def run(destinations: list[str]) -> dict[Address, Answer]:
    """Return the way to each numeric destination; raises HostError."""
    try:
        names = dict(socket.if_nameindex())
        with netlink.opened(socket.NETLINK_ROUTE) as link:
            return {destination: route(link, destination, names) for destination in destinations}
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"rtnetlink: {os.strerror(error.errno or 0)}") from error


def route(link: socket.socket, destination: str, names: Mapping[int, str]) -> Answer:
    """Ask for one; raises OSError where nothing is answered."""
    packed = ipaddress.ip_address(destination).packed
    family = _FAMILIES[4 if len(packed) == 4 else 6]
    body = struct.pack("=BBBBBBBBI", family, len(packed) * 8, 0, 0, 0, 0, 0, 0, 0)
    body += struct.pack("=HH", 4 + len(packed), _DST) + packed
    link.send(struct.pack("=IHHII", netlink.HEADER + len(body), _GETROUTE, _REQUEST, 1, 0) + body)
    try:
        for kind, data, at, end in netlink.messages(link, 1 << 16):
            if kind == _NEWROUTE:
                fields = netlink.attributes(data, at + netlink.HEADER + _RTMSG, end)
                return _of(fields, names)
    except OSError as error:
        if error.errno in _UNANSWERED:
            raise
        return {"source": "", "gateway": "", "interface": "", "error": os.strerror(error.errno or 0)}
    raise OSError(errno.EPROTO, os.strerror(errno.EPROTO))


# no answer, or none that can be read; all else is what the kernel says of the route
_UNANSWERED = (errno.ETIMEDOUT, errno.EPROTO, errno.EMSGSIZE, errno.ENOBUFS, errno.EOVERFLOW)


def _of(fields: Mapping[int, bytes], names: Mapping[int, str]) -> Answer:
    # a route of one family through a gateway of the other has RTA_VIA, its family before the address
    hop = fields.get(_GATEWAY) or fields.get(_VIA, b"")[2:]
    return {
        "source": _address(fields.get(_PREFSRC, b"")),
        "gateway": _address(hop),
        "interface": names.get(struct.unpack("=I", fields[_OIF])[0], "") if len(fields.get(_OIF, b"")) == 4 else "",
        "error": "",
    }


def _address(packed: bytes) -> str:
    return str(ipaddress.ip_address(packed)) if len(packed) in (4, 16) else ""
