"""Which source address and interface routing picks towards a destination (RTM_GETROUTE, rtnetlink(7)).

The kernel is asked for the route of a TCP socket of one program: rules may go by its port, user, mark and device.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, NotRequired, TypedDict

from hosttune.errors import HostError
from hosttune.host import netlink
from hosttune.host.answers import Address, Count, Is, MaybeAddress, matches
from hosttune.model import Reason

_NEWROUTE, _GETROUTE = 24, 26
_REQUEST = 1  # NLM_F_REQUEST
_RTMSG = struct.Struct("=BBBBBBBBI")  # struct rtmsg
_FIB_MATCH = 0x2000  # RTM_F_FIB_MATCH: the route itself, with all its next hops
# RTA_*, linux/rtnetlink.h
_DST, _SRC, _OIF, _GATEWAY, _PREFSRC, _MULTIPATH, _TABLE, _MARK, _VIA = 1, 2, 4, 5, 7, 9, 15, 16, 18
_UID, _PROTO, _SPORT, _DPORT = 25, 27, 28, 29
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_KINDS = {1: "unicast", 2: "local", 3: "broadcast", 4: "anycast", 5: "multicast"}  # RTN_*
_NEXTHOP = struct.Struct("=HBBI")  # struct rtnexthop


class Hop(TypedDict):
    """One of several next hops of a route."""

    interface: str
    gateway: MaybeAddress


class Answer(TypedDict):
    """The way to a destination; `gateway` "": a neighbour. Where there is no route, all are "" and `error` says why.

    `errno` is the name of that error, `kind` what the kernel calls the route (RTN_UNICAST and so on), `table` where it
    stands. `hops` are those of a route that has several.
    """

    source: MaybeAddress
    gateway: NotRequired[str]
    interface: NotRequired[str]
    error: NotRequired[str]
    errno: NotRequired[Annotated[str, Is(matches("[A-Z0-9]{0,20}"), "no name of an error")]]
    kind: NotRequired[str]
    table: NotRequired[Count]
    hops: NotRequired[list[Hop]]


class Question(TypedDict):
    """What the kernel is asked: the route of a TCP socket to an address; what is left out is not set on the socket.

    `device` is the interface or the VRF that it is bound to, or of a link-local address; with `hops` the route itself
    is asked for, with all its next hops.
    """

    to: str
    port: NotRequired[int]
    source: NotRequired[str]
    device: NotRequired[str]
    mark: NotRequired[int]
    uid: NotRequired[int]
    tos: NotRequired[int]
    sport: NotRequired[int]
    hops: NotRequired[bool]


def run(destinations: list[str]) -> dict[Address, Answer]:
    """Return the way to each numeric destination; raises HostError."""
    asked: list[Question] = [{"to": destination} for destination in destinations]
    return dict(zip(destinations, answers(asked), strict=True))


def answers(questions: list[Question]) -> list[Answer]:
    """Return the way of each question; raises HostError."""
    try:
        names = dict(socket.if_nameindex())
        numbers = {name: number for number, name in names.items()}
        with netlink.opened(socket.NETLINK_ROUTE) as link:
            return [route(link, question, names, numbers) for question in questions]
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"rtnetlink: {os.strerror(error.errno or 0)}") from error


def route(link: socket.socket, asked: Question, names: Mapping[int, str], numbers: Mapping[str, int]) -> Answer:
    """Ask for one; raises OSError where nothing is answered."""
    device = asked.get("device", "")
    if device and device not in numbers:
        return _none(errno.ENODEV)
    body = _body(asked, numbers.get(device, 0))
    link.send(struct.pack("=IHHII", netlink.HEADER + len(body), _GETROUTE, _REQUEST, 1, 0) + body)
    try:
        for kind, data, at, end in netlink.messages(link, 1 << 16):
            if kind == _NEWROUTE and end - at >= netlink.HEADER + _RTMSG.size:
                return _of(data, at + netlink.HEADER, end, names)
    except OSError as error:
        if error.errno in _UNANSWERED:
            raise
        return _none(error.errno or 0)
    raise OSError(errno.EPROTO, os.strerror(errno.EPROTO))


# no answer, or none that can be read; all else is what the kernel says of the route
_UNANSWERED = (errno.ETIMEDOUT, errno.EPROTO, errno.EMSGSIZE, errno.ENOBUFS, errno.EOVERFLOW)


def _none(number: int) -> Answer:
    name = errno.errorcode.get(number, "")
    return {"source": "", "gateway": "", "interface": "", "error": os.strerror(number), "errno": name}


def _body(asked: Question, interface: int) -> bytes:
    to = ipaddress.ip_address(asked["to"]).packed
    source = ipaddress.ip_address(asked["source"]).packed if asked.get("source") else b""
    family, flags = _FAMILIES[4 if len(to) == 4 else 6], _FIB_MATCH if asked.get("hops") else 0
    body = _RTMSG.pack(family, len(to) * 8, len(source) * 8, asked.get("tos", 0), 0, 0, 0, 0, flags)
    body += _attribute(_DST, to)
    if source:
        body += _attribute(_SRC, source)
    for kind, value in ((_OIF, interface or None), (_MARK, asked.get("mark")), (_UID, asked.get("uid"))):
        if value is not None:
            body += _attribute(kind, struct.pack("=I", value))
    if "port" in asked:
        body += _attribute(_PROTO, bytes([socket.IPPROTO_TCP])) + _attribute(_DPORT, struct.pack("!H", asked["port"]))
        if asked.get("sport"):
            body += _attribute(_SPORT, struct.pack("!H", asked["sport"]))
    return body


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _of(data: bytes, at: int, end: int, names: Mapping[int, str]) -> Answer:
    kind = _RTMSG.unpack_from(data, at)[7]
    fields = netlink.attributes(data, at + _RTMSG.size, end)
    answer: Answer = {
        "source": _address(fields.get(_PREFSRC, b"")),
        "gateway": _gateway(fields),
        "interface": names.get(_number(fields.get(_OIF, b"")), ""),
        "error": "",
        "errno": "",
        "kind": _KINDS.get(kind, ""),
        "table": _number(fields.get(_TABLE, b"")),
    }
    if _MULTIPATH in fields:
        answer["hops"] = list(_hops(fields[_MULTIPATH], names))
    return answer


def _hops(data: bytes, names: Mapping[int, str]) -> Iterator[Hop]:
    """Yield the next hops of RTA_MULTIPATH, each a struct rtnexthop with attributes of its own."""
    at = 0
    while at + _NEXTHOP.size <= len(data):
        length, _, _, interface = _NEXTHOP.unpack_from(data, at)
        if not _NEXTHOP.size <= length <= len(data) - at:
            return
        fields = netlink.attributes(data, at + _NEXTHOP.size, at + length)
        yield {"interface": names.get(interface, ""), "gateway": _gateway(fields)}
        at += (length + 3) & ~3


def _gateway(fields: Mapping[int, bytes]) -> str:
    # a route of one family through a gateway of the other has RTA_VIA, its family before the address
    return _address(fields.get(_GATEWAY) or fields.get(_VIA, b"")[2:])


def _number(packed: bytes) -> int:
    return int.from_bytes(packed, sys.byteorder) if len(packed) == 4 else 0


def _address(packed: bytes) -> str:
    return str(ipaddress.ip_address(packed)) if len(packed) in (4, 16) else ""
