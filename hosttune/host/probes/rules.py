"""The rules by which the kernel looks for a route in one table or another (RTM_GETRULE of rtnetlink(7), ip-rule(8)).

include/uapi/linux/fib_rules.h, net/core/fib_rules.c.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, NotRequired, TypedDict

from hosttune.errors import HostError
from hosttune.host import netlink
from hosttune.host.answers import Count, Interface, Is, Port, Prefix
from hosttune.model import Reason

_NEWRULE, _GETRULE = 32, 34
_HEADER = struct.Struct("=BBBBBBBBI")  # struct fib_rule_hdr
_INVERT = 2  # FIB_RULE_INVERT
# FRA_*
_DST, _SRC, _IIF, _GOTO, _PRIORITY, _FWMARK, _SUPPRESS_GROUP, _SUPPRESS_LENGTH, _TABLE = 1, 2, 3, 4, 6, 10, 13, 14, 15
_FWMASK, _OIF, _L3MDEV, _UIDS, _PROTO, _SPORT, _DPORT, _DSCP = 16, 17, 19, 20, 22, 23, 24, 25
_ACTIONS = {1: "lookup", 2: "goto", 3: "nop", 6: "blackhole", 7: "unreachable", 8: "prohibit"}  # FR_ACT_*
_FAMILIES = {socket.AF_INET: 4, socket.AF_INET6: 6}
_MOST = 20_000
"""Rules that are kept: each lookup of the kernel goes through them one by one, so that no host has so many."""

Pair = Annotated[list[Count], Is(lambda value: isinstance(value, list) and len(value) == 2, "no range")]
PortPair = Annotated[list[Port], Is(lambda value: isinstance(value, list) and len(value) == 2, "no range")]


class Rule(TypedDict):
    """A rule; what is left out is not asked of a packet. `invert`: it holds where the rest does not.

    `action` is that of the kernel ("lookup" in `table`, "goto" the priority `goes`), `iif` and `oif` the interfaces,
    `tos` the byte of IP_TOS.
    """

    family: Count
    priority: Count
    action: str
    table: Count
    invert: bool
    goes: NotRequired[Count]
    source: NotRequired[Prefix]
    destination: NotRequired[Prefix]
    iif: NotRequired[Interface]
    oif: NotRequired[Interface]
    mark: NotRequired[Count]
    mask: NotRequired[Count]
    uids: NotRequired[Pair]
    protocol: NotRequired[Count]
    sports: NotRequired[PortPair]
    dports: NotRequired[PortPair]
    tos: NotRequired[Count]
    l3mdev: NotRequired[bool]


def run() -> list[Rule]:
    """Return the rules of both families, in the kernel's order; raises HostError."""
    try:
        return netlink.steady(_asked)
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"rtnetlink: {os.strerror(error.errno or 0)}") from error


def _asked() -> list[Rule]:
    rules: list[Rule] = []
    for family in _FAMILIES:
        with netlink.opened(socket.NETLINK_ROUTE) as link, contextlib.suppress(_Missing):
            for rule in _of_family(link, family):
                rules.append(rule)
                if len(rules) > _MOST:
                    raise OSError(errno.EOVERFLOW, os.strerror(errno.EOVERFLOW))
    return rules


class _Missing(Exception):
    """The kernel has no rules of a family: it has no IPv6, or no policy routing."""


def _of_family(link: socket.socket, family: int) -> Iterator[Rule]:
    asked = _HEADER.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
    link.send(struct.pack("=IHHII", netlink.HEADER + len(asked), _GETRULE, netlink.REQUEST_DUMP, 1, 0) + asked)
    try:
        for kind, data, at, end in netlink.messages(link, 1 << 18, consistent=True):
            if kind == _NEWRULE and end - at >= netlink.HEADER + _HEADER.size:
                yield parsed(data, at + netlink.HEADER, end)
    except OSError as error:
        if error.errno in (errno.EAFNOSUPPORT, errno.EOPNOTSUPP):
            raise _Missing from error
        raise


def parsed(data: bytes, at: int, end: int) -> Rule:
    """Return the rule of a message: struct fib_rule_hdr and attributes."""
    family, to, of, tos, table, _, _, action, flags = _HEADER.unpack_from(data, at)
    fields = netlink.attributes(data, at + _HEADER.size, end)
    rule: dict[str, Any] = {
        "family": _FAMILIES.get(family, 0),
        "priority": _number(fields.get(_PRIORITY, b"")),
        "action": _ACTIONS.get(action, f"action {action}"),
        "table": _number(fields[_TABLE]) if _TABLE in fields else table,
        "invert": bool(flags & _INVERT),
    }
    if tos:
        rule["tos"] = tos
    for name, attribute, read in _FIELDS:
        if attribute in fields:
            rule[name] = read(fields[attribute])
    for name, attribute, length in (("destination", _DST, to), ("source", _SRC, of)):
        if prefix := _prefix(fields, attribute, length):
            rule[name] = prefix
    if "mark" in rule or "mask" in rule:
        rule = {"mark": 0, "mask": 0xFFFFFFFF, **rule}
        if not rule["mask"]:
            del rule["mark"], rule["mask"]
    return rule  # type: ignore[return-value]  # its fields are those of _FIELDS


def _number(packed: bytes) -> int:
    return int.from_bytes(packed, sys.byteorder)


def _name(packed: bytes) -> str:
    return packed.rstrip(b"\0").decode("utf-8", "replace")


def _range(form: str) -> Callable[[bytes], list[int]]:
    size = struct.calcsize(form)
    return lambda packed: list(struct.unpack_from(form, packed.ljust(size, b"\0")))


_FIELDS: tuple[tuple[str, int, Callable[[bytes], Any]], ...] = (
    ("goes", _GOTO, _number),
    ("iif", _IIF, _name),
    ("oif", _OIF, _name),
    ("mark", _FWMARK, _number),
    ("mask", _FWMASK, _number),
    ("uids", _UIDS, _range("=II")),  # struct fib_rule_uid_range
    ("protocol", _PROTO, _number),
    ("sports", _SPORT, _range("=HH")),  # struct fib_rule_port_range
    ("dports", _DPORT, _range("=HH")),
    ("tos", _DSCP, lambda packed: _number(packed) << 2),
    ("l3mdev", _L3MDEV, lambda packed: bool(_number(packed))),
)


def _prefix(fields: Mapping[int, bytes], attribute: int, length: int) -> str:
    packed = fields.get(attribute, b"")
    if len(packed) not in (4, 16) or not 0 < length <= len(packed) * 8:
        return ""
    return f"{ipaddress.ip_address(packed)}/{length}"
