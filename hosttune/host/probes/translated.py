"""Which ports source NAT has given out towards some destinations: entries of conntrack, each of which holds one.

linux/netfilter/nfnetlink_conntrack.h, net/netfilter/nf_conntrack_netlink.c. It takes CAP_NET_ADMIN. The kernel is asked
for the entries of a destination alone (CTA_FILTER, since Linux 5.8; an older one gives all, of which the rest is left
out here).
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from typing import TypedDict

from hosttune.errors import HostError
from hosttune.host import netlink
from hosttune.host.answers import Address, Port, Ports
from hosttune.host.probes import tracked
from hosttune.model import Reason

_MOST = 300_000
"""Entries that are looked at in all: about 3 s."""
_ROWS = 256
_ASKED = 64
"""Destinations that are asked for one by one; of more the whole table is looked at."""
_FAMILIES = {4: socket.AF_INET, 16: socket.AF_INET6}
_FILTER, _REPLY = 25, 2  # CTA_FILTER, CTA_TUPLE_REPLY
_BY = 1 << 0 | 1 << 3 | 1 << 4  # source address, protocol, source port of the replies
_NESTED = 0x8000  # NLA_F_NESTED
_CLOSED = ("TIME_WAIT", "CLOSE")
Goal = tuple[str, int]


class Row(TypedDict):
    """Ports by the address that they are of and their destination; see model.filtering.Translated."""

    address: Address
    target: Address
    port: Port
    own: Ports
    forwarded: Ports
    closed: Ports


class Answer(TypedDict):
    """`whole`: all entries of the table were looked at."""

    whole: bool
    rows: list[Row]


def run(targets: list[list[str | int]], own: list[str]) -> Answer:
    """Return what is translated towards [address, port] of each target; connections from `own` are own.

    Raises HostError.
    """
    goals = {(str(address), int(port)) for address, port in targets}
    try:
        return _counted(goals, frozenset(own))
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"ctnetlink: {os.strerror(error.errno or 0)}") from error


def _counted(goals: set[Goal], own: frozenset[str]) -> Answer:
    rows: dict[tuple[str, str, int], dict[str, bytearray]] = {}
    seen = 0
    for fields in _entries(goals):
        seen += 1
        if seen > _MOST:
            break
        ends = tracked.ends(fields) if tracked.source_translated(fields) else None
        if ends is None or ends[1:] not in goals or (ends not in rows and len(rows) >= _ROWS):
            continue
        kind = "own" if tracked.source(fields) in own else "forwarded"
        if tracked.state(fields) in _CLOSED:
            kind = "closed"
        port = tracked.translated_port(fields)
        sets = rows.setdefault(ends, {})
        sets.setdefault(kind, bytearray(8192))[port >> 3] |= 1 << (port & 7)
    return {"whole": seen <= _MOST and len(rows) < _ROWS, "rows": [_row(*each) for each in sorted(rows.items())]}


def _row(ends: tuple[str, str, int], sets: dict[str, bytearray]) -> Row:
    own, forwarded, closed = (
        hex(int.from_bytes(sets.get(kind, b""), "little")) for kind in ("own", "forwarded", "closed")
    )
    address, target, port = ends
    return {"address": address, "target": target, "port": port, "own": own, "forwarded": forwarded, "closed": closed}


def _entries(goals: set[Goal]) -> Iterator[dict[int, bytes]]:
    """Yield the attributes of the entries that may be towards one of the destinations."""
    if len(goals) > _ASKED:
        yield from _dumped(socket.AF_UNSPEC, b"")
        return
    for address, port in sorted(goals):
        packed = ipaddress.ip_address(address).packed
        try:
            yield from _dumped(_FAMILIES[len(packed)], _towards(packed, port))
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise
            yield from _dumped(socket.AF_UNSPEC, b"")
            return


def _dumped(family: int, wanted: bytes) -> Iterator[dict[int, bytes]]:
    with netlink.opened(tracked.NETFILTER) as link:
        link.send(tracked.request(family, wanted))
        for _, data, start, end in netlink.messages(link, 1 << 16):
            yield netlink.attributes(data, start + tracked.HEAD, end)


def _towards(packed: bytes, port: int) -> bytes:
    """Return the attributes that ask for entries whose replies come from a destination."""
    address = _attribute(1 if len(packed) == 4 else 3, packed)  # CTA_IP_V4_SRC, CTA_IP_V6_SRC
    protocol = _attribute(1, bytes([socket.IPPROTO_TCP])) + _attribute(2, struct.pack("!H", port))
    replies = _attribute(1 | _NESTED, address) + _attribute(2 | _NESTED, protocol)
    by = _attribute(1, struct.pack("=I", 0)) + _attribute(2, struct.pack("=I", _BY))
    return _attribute(_REPLY | _NESTED, replies) + _attribute(_FILTER | _NESTED, by)


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)
