"""What the conntrack table is full of: entries by state, and those behind one address, of a sample of the table.

linux/netfilter/nfnetlink_conntrack.h, net/netfilter/nf_conntrack_netlink.c. It takes CAP_NET_ADMIN. A dump goes through
the hash table, where neighbours have nothing in common, so its beginning is a fair sample of it.
"""

from __future__ import annotations

import os
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from typing import Any

from hosttune.errors import HostError
from hosttune.host.probes._netlink import REQUEST_DUMP, messages
from hosttune.host.probes.sockets import _readable
from hosttune.model import Reason

_NETLINK_NETFILTER = 12
_GET = 1 << 8 | 1  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET
_HEAD = 20  # struct nlmsghdr and struct nfgenmsg
_KIND = 0x3FFF  # NLA_TYPE_MASK
_ORIGINAL, _REPLY, _STATUS, _PROTOCOL = 1, 2, 3, 4  # CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_STATUS, CTA_PROTOINFO
_SOURCE_NAT = 1 << 4  # IPS_SRC_NAT, linux/netfilter/nf_conntrack_common.h
# enum tcp_conntrack, linux/netfilter/nf_conntrack_tcp.h
_STATES = (
    *("NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT"),
    *("CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2"),
)
_MOST_ROWS = 16

Spans = dict[int, tuple[int, int]]


def run(most: int = 4_000) -> dict[str, Any]:
    """Return what a sample of about `most` entries holds; raises HostError.

    "seen": how many entries, "whole": they are all. "states": TCP entries by state, others as "udp" or "other".
    "translated": for each address that stands for others, and each destination, its `address`, `target`, `port` and
    `entries`.
    """
    states: Counter[str] = Counter()
    shared: Counter[tuple[str, str, int]] = Counter()
    whole = True
    try:
        for data, start, end in _entries():
            found = _attributes(data, start + _HEAD, end)
            states[_state(data, found)] += 1
            if _STATUS in found and struct.unpack_from("!I", data, found[_STATUS][0])[0] & _SOURCE_NAT:
                shared[_ends(data, found[_REPLY])] += 1
            if states.total() >= most:
                whole = False
                break
    except OSError as error:
        raise HostError(Reason.UNREADABLE, f"ctnetlink: {os.strerror(error.errno or 0)}") from error
    return {
        "seen": states.total(),
        "whole": whole,
        "states": dict(states),
        "translated": [
            {"address": address, "target": target, "port": port, "entries": count}
            for (address, target, port), count in shared.most_common(_MOST_ROWS)
        ],
    }


def _entries() -> Iterator[tuple[bytes, int, int]]:
    """Yield each entry as a buffer and its span there; a dump that is left early goes with its socket."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER) as link:
        link.bind((0, 0))
        link.send(struct.pack("=IHHIIBBH", _HEAD, _GET, REQUEST_DUMP, 0, 0, socket.AF_UNSPEC, 0, 0))
        for _, data, at, end in messages(link, 1 << 16):
            yield data, at, end


def _attributes(data: bytes, at: int, end: int) -> Spans:
    """Return the span of each attribute's value by its kind."""
    found: Spans = {}
    while at + 4 <= end:
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            break
        found[kind & _KIND] = at + 4, at + length
        at += (length + 3) & ~3
    return found


def _state(data: bytes, found: Spans) -> str:
    """Return the state of a TCP entry; CTA_PROTOINFO_TCP and CTA_PROTOINFO_TCP_STATE are both the first of their nest.

    Other protocols have none, and are told by the number in their tuple.
    """
    if _PROTOCOL in found:
        inner = _attributes(data, *found[_PROTOCOL])
        if 1 in inner:
            state = _attributes(data, *inner[1])
            if 1 in state:
                number = data[state[1][0]]
                return _STATES[number] if number < len(_STATES) else "NONE"
    tuples = _attributes(data, *found[_ORIGINAL]) if _ORIGINAL in found else {}
    protocol = _attributes(data, *tuples[2]) if 2 in tuples else {}
    return "udp" if 1 in protocol and data[protocol[1][0]] == socket.IPPROTO_UDP else "other"


def _ends(data: bytes, reply: tuple[int, int]) -> tuple[str, str, int]:
    """Return of the tuple of the replies to whom they go, from whom, and from which port (CTA_IP_*, CTA_PROTO_*)."""
    parts = _attributes(data, *reply)
    addresses = _attributes(data, *parts[1])
    ports = _attributes(data, *parts[2])
    source = next((addresses[kind] for kind in (1, 3) if kind in addresses), (0, 0))
    target = next((addresses[kind] for kind in (2, 4) if kind in addresses), (0, 0))
    port = struct.unpack_from("!H", data, ports[2][0])[0] if 2 in ports else 0
    return _readable(data[slice(*target)]), _readable(data[slice(*source)]), port
