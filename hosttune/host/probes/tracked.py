"""What the conntrack table is full of: entries by state, and those behind one address, of a sample of the table.

linux/netfilter/nfnetlink_conntrack.h, net/netfilter/nf_conntrack_netlink.c. It takes CAP_NET_ADMIN. A dump goes through
the hash table, where neighbours have nothing in common, so its beginning is a fair sample of it.
"""

from __future__ import annotations

import os
import socket
import struct
from collections import Counter
from typing import TypedDict

from hosttune.errors import HostError
from hosttune.host import netlink, sock_diag
from hosttune.host.answers import Address, Count, Port
from hosttune.model import Reason

NETFILTER = 12  # NETLINK_NETFILTER
_GET = 1 << 8 | 1  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET
HEAD = 20  # struct nlmsghdr and struct nfgenmsg
_ORIGINAL, _REPLY, _STATUS, _PROTOCOL = 1, 2, 3, 4  # CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_STATUS, CTA_PROTOINFO
_SOURCE_NAT = 1 << 4  # IPS_SRC_NAT, linux/netfilter/nf_conntrack_common.h
# enum tcp_conntrack, linux/netfilter/nf_conntrack_tcp.h
_STATES = (
    *("NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT"),
    *("CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2"),
)
_MOST_ROWS = 16


class Translated(TypedDict):
    """The entries of those for whom an address stands, towards one destination."""

    address: Address
    target: Address
    port: Port
    entries: Count


class Tracked(TypedDict):
    """What a sample holds: `seen` entries, `whole`: they are all. TCP entries by state, others as "udp" or "other"."""

    seen: Count
    whole: bool
    states: dict[str, Count]
    translated: list[Translated]


def run(most: int = 4_000) -> Tracked:
    """Return what a sample of about `most` entries holds; raises HostError."""
    try:
        with netlink.opened(NETFILTER) as link:
            return sample(link, most)
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"ctnetlink: {os.strerror(error.errno or 0)}") from error


def sample(link: socket.socket, most: int) -> Tracked:
    """Return the answer of `run` from a link to ctnetlink; raises OSError. The rest of a dump goes with the link."""
    states: Counter[str] = Counter()
    shared: Counter[tuple[str, str, int]] = Counter()
    whole = True
    link.send(request(socket.AF_UNSPEC))
    for _, data, start, end in netlink.messages(link, 1 << 16):
        fields = netlink.attributes(data, start + HEAD, end)
        states[state(fields)] += 1
        if source_translated(fields) and (goal := ends(fields)):
            shared[goal] += 1
        if states.total() >= most:
            whole = False
            break
    return {
        "seen": states.total(),
        "whole": whole,
        "states": dict(states),
        "translated": [
            {"address": address, "target": target, "port": port, "entries": count}
            for (address, target, port), count in shared.most_common(_MOST_ROWS)
        ],
    }


def request(family: int, wanted: bytes = b"") -> bytes:
    """Return the question for all entries of a family that fit the attributes `wanted`."""
    length = HEAD + len(wanted)
    return struct.pack("=IHHIIBBH", length, _GET, netlink.REQUEST_DUMP, 0, 0, family, 0, 0) + wanted


def source_translated(fields: dict[int, bytes]) -> bool:
    """Say whether an entry's connection leaves with another source."""
    return bool(int.from_bytes(fields.get(_STATUS, b"")[:4]) & _SOURCE_NAT)


def source(fields: dict[int, bytes]) -> str:
    """Return who began the connection of an entry, "" where it does not say."""
    addresses = _nest(_nest(fields.get(_ORIGINAL, b"")).get(1, b""))
    packed = addresses.get(1) or addresses.get(3) or b""
    return sock_diag.readable(packed) if len(packed) in (4, 16) else ""


def translated_port(fields: dict[int, bytes]) -> int:
    """Return to which port an entry's replies go: that with which its connection leaves (CTA_PROTO_DST_PORT)."""
    return int.from_bytes(_nest(_nest(fields.get(_REPLY, b"")).get(2, b"")).get(3, b"")[:2])


def _nest(data: bytes) -> dict[int, bytes]:
    return netlink.attributes(data, 0, len(data))


def state(fields: dict[int, bytes]) -> str:
    """Return the state of a TCP entry; CTA_PROTOINFO_TCP and CTA_PROTOINFO_TCP_STATE are both the first of their nest.

    Other protocols have none, and are known by the number in their tuple.
    """
    state = _nest(_nest(fields.get(_PROTOCOL, b"")).get(1, b"")).get(1, b"")
    if state:
        return _STATES[state[0]] if state[0] < len(_STATES) else "NONE"
    protocol = _nest(_nest(fields.get(_ORIGINAL, b"")).get(2, b"")).get(1, b"")
    return "udp" if protocol[:1] == bytes([socket.IPPROTO_UDP]) else "other"


def ends(fields: dict[int, bytes]) -> tuple[str, str, int] | None:
    """Return to whom an entry's replies go, from whom, and from which port (CTA_IP_*, CTA_PROTO_*).

    None where their tuple names no two addresses.
    """
    parts = _nest(fields.get(_REPLY, b""))
    addresses, ports = _nest(parts.get(1, b"")), _nest(parts.get(2, b""))
    source, target = addresses.get(1) or addresses.get(3), addresses.get(2) or addresses.get(4)
    if source is None or target is None or {len(source), len(target)} - {4, 16}:
        return None
    return sock_diag.readable(target), sock_diag.readable(source), int.from_bytes(ports.get(2, b"")[:2])
