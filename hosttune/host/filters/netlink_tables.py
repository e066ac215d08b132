"""nftables' chains, rules and sets of this network namespace, as the kernel dumps them (nfnetlink).

include/uapi/linux/netfilter/nf_tables.h, net/netfilter/nf_tables_api.c. It takes CAP_NET_ADMIN of the namespace
(nfnetlink_rcv()). A rule stays the bytes that it came as until it is looked into: most have nothing to do with
connections, which a search for a few names tells.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from hosttune.host import netlink

NETFILTER = 12  # NETLINK_NETFILTER
_TABLES = 10 << 8  # NFNL_SUBSYS_NFTABLES
_GET_TABLE, _GET_CHAIN, _GET_RULE = _TABLES | 1, _TABLES | 4, _TABLES | 7
_GET_SET, _GET_ELEMENTS, _GET_OBJECT = _TABLES | 10, _TABLES | 13, _TABLES | 19
HEAD = 20  # struct nlmsghdr and struct nfgenmsg
_SIZE = 1 << 17
LARGEST = 64 << 20
"""Bytes of a dump: some 200,000 rules."""
MOST_ELEMENTS = 512

FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}  # NFPROTO_*
HOOKS = ("prerouting", "input", "forward", "output", "postrouting")  # enum nf_inet_hooks
_DORMANT = 1  # NFT_TABLE_F_DORMANT
INTERVAL, MAP, CONCATENATED = 4, 8, 128  # NFT_SET_*

Key = tuple[int, bytes, bytes]
"""A chain or a set: family, table, name."""


@dataclass(slots=True)
class Rule:
    """A rule as it came: what is `data[start:end]` holds its attributes."""

    data: bytes
    start: int
    end: int


@dataclass(slots=True)
class Chain:
    """A chain; `hook` is "" for one that is only jumped to, `drops` its policy."""

    key: Key
    hook: str = ""
    type: str = ""
    priority: int = 0
    drops: bool = False
    rules: list[Rule] = field(default_factory=list)


@dataclass(slots=True)
class SetInfo:
    """A set or a map, without its elements."""

    key: Key
    flags: int
    raw: bytes


@dataclass(slots=True)
class Element:
    """An element: its key, the last of a range if it is one, and the data of a map; no key is the rest."""

    key: bytes
    last: bytes | None
    data: bytes
    ends: bool = False


@dataclass(slots=True)
class Dump:
    """All of nftables in this namespace; `objects` are family, type (NFT_OBJECT_*) and name of its objects."""

    chains: dict[Key, Chain] = field(default_factory=dict)
    sets: dict[Key, SetInfo] = field(default_factory=dict)
    objects: list[tuple[int, int, str]] = field(default_factory=list)
    rules: int = 0


def read(link: socket.socket) -> Dump:
    """Return what there is; raises OSError, ChangedError where a table changed meanwhile."""
    dump = Dump()
    dormant = {
        (data[start + 16], _word(fields, 1))
        for data, start, fields in _asked(link, _GET_TABLE)
        if int.from_bytes(fields.get(2, b"")) & _DORMANT
    }
    for data, start, fields in _asked(link, _GET_CHAIN):
        chain = _chain(data[start + 16], fields)
        if chain.key[:2] in dormant:
            chain.hook = ""
        dump.chains[chain.key] = chain
    if dump.chains:
        _read_rules(link, dump)
    for data, start, fields in _asked(link, _GET_SET):
        key = (data[start + 16], _word(fields, 1), _word(fields, 2))
        dump.sets[key] = SetInfo(key, int.from_bytes(fields.get(3, b"")), b"".join(fields.values()))
    for data, start, fields in _asked(link, _GET_OBJECT):
        dump.objects.append((data[start + 16], int.from_bytes(fields.get(3, b"")), text(fields.get(2, b""))))
    return dump


def _read_rules(link: socket.socket, dump: Dump) -> None:
    """Sort the rules into their chains; they come chain by chain (nf_tables_dump_rules())."""
    names, family, chain = b"-", -1, Chain((0, b"", b""))
    for data, start, end in _dumped(link, _GET_RULE, b""):
        # table and chain are the first attributes of each
        if data[start + 16] != family or not data.startswith(names, start + HEAD):
            family = data[start + 16]
            table_end = start + HEAD + (_length(data, start + HEAD, end) + 3 & ~3)
            names = data[start + HEAD : table_end + _length(data, table_end, end)] or b"-"
            fields = netlink.attributes(data, start + HEAD, end)
            key = (family, _word(fields, 1), _word(fields, 2))
            chain = dump.chains.setdefault(key, Chain(key))
        chain.rules.append(Rule(data, start + HEAD, end))
    dump.rules = sum(len(chain.rules) for chain in dump.chains.values())


def _length(data: bytes, at: int, end: int) -> int:
    if at + 4 > end:
        return 0
    return min(int(struct.unpack_from("=H", data, at)[0]), end - at)


def elements(link: socket.socket, key: Key) -> list[Element] | None:
    """Return the elements of a set, None where there are too many to look at; raises OSError."""
    rows: list[Element] = []
    body = _attribute(1, key[1] + b"\0") + _attribute(2, key[2] + b"\0")
    link_rows = _dumped(link, _GET_ELEMENTS, body, key[0])
    for data, start, end in link_rows:
        fields = netlink.attributes(data, start + HEAD, end)
        for raw in listed(fields.get(3, b"")):
            rows.append(_element(netlink.attributes(raw, 0, len(raw))))
    return rows if len(rows) <= MOST_ELEMENTS else None


def _element(fields: dict[int, bytes]) -> Element:
    last = nested(fields.get(10, b"")).get(1) if 10 in fields else None
    data = nested(fields.get(2, b""))
    value = data.get(1, b"")
    if 2 in data:  # a verdict: its code, and the chain
        verdict = nested(data[2])
        value = verdict.get(1, b"")[:4] + verdict.get(2, b"")
    key = nested(fields.get(1, b"")).get(1, b"")
    return Element(key, last, value, bool(int.from_bytes(fields.get(3, b"")) & 1))


def nested(data: bytes) -> dict[int, bytes]:
    """Return the attributes of a nest."""
    return netlink.attributes(data, 0, len(data))


def listed(data: bytes) -> Iterator[bytes]:
    """Yield the attributes of a list, whatever their type, those that do not fit into it left out."""
    at = 0
    while at + 4 <= len(data):
        length = _length(data, at, len(data))
        if length < 4:
            return
        yield data[at + 4 : at + length]
        at += (length + 3) & ~3


def text(data: bytes) -> str:
    """Return a name as text."""
    return data.rstrip(b"\0").decode(errors="replace")


def _word(fields: dict[int, bytes], kind: int) -> bytes:
    return fields.get(kind, b"").rstrip(b"\0")


def _chain(family: int, fields: dict[int, bytes]) -> Chain:
    chain = Chain((family, _word(fields, 1), _word(fields, 3)))
    if 4 in fields:
        hook = nested(fields[4])
        number = int.from_bytes(hook.get(1, b"\xff"))
        if family in (1, 2, 10) and number < len(HOOKS):
            chain.hook = HOOKS[number]
        chain.priority = int.from_bytes(hook.get(2, b""), signed=True)
        chain.type = text(fields.get(7, b"filter"))
        chain.drops = fields.get(5, b"\1") == bytes(4)
    return chain


def _asked(link: socket.socket, kind: int) -> Iterator[tuple[bytes, int, dict[int, bytes]]]:
    for data, start, end in _dumped(link, kind, b""):
        yield data, start, netlink.attributes(data, start + HEAD, end)


def _dumped(link: socket.socket, kind: int, body: bytes, family: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """Yield the messages of a dump; those of an earlier one that was left are passed over by their number."""
    link.send(struct.pack("=IHHIIBBH", HEAD + len(body), kind, netlink.REQUEST_DUMP, 0, 0, family, 0, 0) + body)
    for data in netlink.datagrams(link, _SIZE, LARGEST):
        for got, start, end in netlink.parts(data, consistent=True):
            if got == netlink.DONE:
                return
            if end - start >= HEAD:
                yield data, start, end


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def named(names: Iterable[str]) -> re.Pattern[bytes]:
    """Return what finds expressions, matches and targets of these names in the bytes of a rule (attribute 1 of each).

    It may find other attributes too: what it does not find is not there.
    """
    words = b"|".join(re.escape(name.encode()) for name in names)
    return re.compile(re.escape(struct.pack("=H", 1)) + b"(" + words + b")\0")
