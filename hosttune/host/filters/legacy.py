"""iptables' own tables of this network namespace, as the kernel keeps them (iptables-legacy).

include/uapi/linux/netfilter_ipv4/ip_tables.h and ip6_tables.h: struct ipt_getinfo, ipt_entry and their like. A table
that is not there comes to be when it is asked for, so that only those are asked that /proc names.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hosttune.host.filters import legacy_names, ways, xtables
from hosttune.host.filters.conditions import Match, anything, narrowed, only
from hosttune.host.filters.netlink_tables import HOOKS
from hosttune.host.filters.symbols import met
from hosttune.host.filters.walking import Base, Step, Walk, Walkable
from hosttune.host.filters.ways import Way

_GET_INFO, _GET_ENTRIES = 64, 65  # IPT_SO_GET_INFO, IPT_SO_GET_ENTRIES, IP6T_SO_*
_INFO = struct.Struct("=32sI5I5III")
_NAME = 32  # XT_TABLE_MAXNAMELEN
_ENTRIES = 40  # struct ipt_get_entries without its table
LARGEST = 64 << 20
"""Bytes of a table: some 200,000 rules."""
_PRIORITIES = {"raw": -300, "mangle": -150, "nat": 100, "filter": 0, "security": 50}
_VIA_IN, _VIA_OUT, _SOURCE, _DESTINATION, _FRAGMENT, _PROTOCOL = 1, 2, 8, 16, 32, 64  # IPT_INV_*
_STANDARD = {-1: ways.DROP, -2: ways.ACCEPT, -4: ways.QUEUE, -5: ways.RETURN}  # -NF_DROP - 1 and so on
_TCP = socket.IPPROTO_TCP


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where in an entry of a family the fields lie, in bytes."""

    family: int
    level: int
    command: str
    size: int
    interfaces: int
    protocol: int
    flags: int
    inverted: int
    target: int
    goto: int
    has_protocol: int


_LAYOUTS = {
    "ip": _Layout(socket.AF_INET, socket.SOL_IP, "iptables", 112, 16, 80, 82, 83, 88, 2, 0),
    "ip6": _Layout(socket.AF_INET6, 41, "ip6tables", 168, 64, 128, 131, 132, 140, 4, 1),
}


@dataclass(slots=True)
class _Entry:
    """An entry of a table: where it is, how an operator finds it, its bytes."""

    at: int
    chain: str = ""
    number: int = 0
    raw: bytes = b""


@dataclass(slots=True)
class Table:
    """A table of iptables: its bytes by place, where its hooks begin."""

    family: str
    name: str
    entries: dict[int, _Entry] = field(default_factory=dict)
    hooks: dict[str, int] = field(default_factory=dict)
    rules: int = 0


class Tables:
    """All tables of iptables in this namespace: what has connections tracked, and what the walk finds."""

    def __init__(self, tables: list[Table]) -> None:
        self.tables = tables
        self.tracking: dict[str, list[str]] = defaultdict(list)
        self.mangles = False
        self.rules = sum(table.rules for table in tables)
        self._matter = False
        for table in tables:
            for entry in table.entries.values():
                self._look(table, entry)

    def walk(self) -> Walk:
        """Return what the rules do on the ways from the hooks."""
        walk = Walk(self._target, self.mangles)
        if not self._matter:
            return walk
        for table in sorted(self.tables, key=lambda table: _PRIORITIES.get(table.name, 0)):
            for hook, start in table.hooks.items():
                key = (table.family, table.name, start)
                base = Base(key, hook, table.name == "nat")
                walk.base(base, self._chain(table, start), anything(table.family))
        return walk

    def _look(self, table: Table, entry: _Entry) -> None:
        layout = _LAYOUTS[table.family]
        for name, _, _ in _matches(layout, entry.raw):
            if name in xtables.TRACKING:
                self._tracks(table, entry, name)
            self._matter = self._matter or name == "connlimit"
        name, _, info = _target_of(layout, entry.raw)
        if name in xtables.TRACKING_TARGETS and not (name == "CT" and xtables.has_no_tracking(info)):
            self._tracks(table, entry, name)
        self.mangles = self.mangles or name in ("MARK", "CONNMARK")
        self._matter = self._matter or name in ("MASQUERADE", "SNAT", "NETMAP", "CT", "NOTRACK")

    def _tracks(self, table: Table, entry: _Entry, name: str) -> None:
        if len(self.tracking[table.family]) < 8:
            self.tracking[table.family].append(f"{_where(table, entry)}, {name}")

    def _target(self, key: Any, name: str) -> tuple[Any, Walkable] | None:
        family, called, _ = key
        table = next((t for t in self.tables if (t.family, t.name) == (family, called)), None)
        start = int(name) if name.isdecimal() else -1
        if table is None or start not in table.entries:
            return None
        return (family, called, start), self._chain(table, start)

    def _chain(self, table: Table, start: int) -> Walkable:
        """Return the rules from a place to the end of its chain, whose policy is a rule too."""
        chain = table.entries[start].chain
        steps = []
        for at in sorted(at for at, entry in table.entries.items() if at >= start and entry.chain == chain):
            entry = table.entries[at]
            steps.append(Step(_where(table, entry), partial(_ways, table.family, entry)))
        return Walkable(steps)


def read() -> Tables:
    """Return the tables that are in use; raises OSError."""
    tables: list[Table] = []
    for family, layout in _LAYOUTS.items():
        for name in legacy_names.names(family):
            table = _table(family, layout, name)
            if table is not None:
                tables.append(table)
    return Tables(tables)


def _table(family: str, layout: _Layout, name: str) -> Table | None:
    """Return a table, None where it has gone; raises OSError. A table that changes meanwhile is EAGAIN."""
    with socket.socket(layout.family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
        head = name.encode()[: _NAME - 1].ljust(_NAME, b"\0")
        for _ in range(4):
            info = _asked(link, layout.level, _GET_INFO, head.ljust(_INFO.size, b"\0"))
            if info is None:
                return None
            _, valid, *hooks, _, size = _INFO.unpack_from(info)
            if size > LARGEST:
                raise OSError(errno.EOVERFLOW, os.strerror(errno.EOVERFLOW))
            request = (head + struct.pack("=II", size, 0)).ljust(_ENTRIES + size, b"\0")
            try:
                answer = _asked(link, layout.level, _GET_ENTRIES, request)
            except BlockingIOError:
                continue
            return None if answer is None else parsed(family, name, answer[_ENTRIES:], valid, hooks[:5])
    raise OSError(errno.EAGAIN, "it changed while it was read")


def _asked(link: socket.socket, level: int, option: int, request: bytes) -> bytes | None:
    """Return what getsockopt(2) says to a request, None where there is no such table; raises OSError.

    That of Python gives the kernel nothing to read.
    """
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(request, len(request))
    length = ctypes.c_uint32(len(request))
    if libc.getsockopt(link.fileno(), level, option, buffer, ctypes.byref(length)) == 0:
        return buffer.raw[: length.value]
    code = ctypes.get_errno()
    if code in (errno.ENOENT, errno.ENOPROTOOPT):
        return None
    raise OSError(code, os.strerror(code))


def parsed(family: str, name: str, data: bytes, valid: int, hooks: list[int]) -> Table:
    """Return a table from its bytes: entries one after the other, each with its length; raises OSError."""
    layout, table = _LAYOUTS[family], Table(family, name)
    starts = {hooks[number]: HOOKS[number] for number in range(5) if valid & 1 << number}
    table.hooks = {hook: start for start, hook in starts.items()}
    at, chain, number = 0, "", 0
    while at < len(data):
        if at + layout.size > len(data):
            raise OSError(errno.EPROTO, os.strerror(errno.EPROTO))
        target, following = struct.unpack_from("=HH", data, at + layout.target)
        if following < layout.size or at + following > len(data) or not layout.size <= target <= following:
            raise OSError(errno.EPROTO, os.strerror(errno.EPROTO))
        raw = data[at : at + following]
        kind, _, info = _target_of(layout, raw)
        if kind == "ERROR":  # a chain of somebody's own begins, or the table ends
            table.rules -= 1  # the last of the chain before is its policy, or the way back
            chain, number = info.split(b"\0", 1)[0].decode(errors="replace"), 0
            table.entries[at] = _Entry(at, f"{chain} ", 0, b"")
        else:
            if at in starts:
                table.rules -= bool(chain)
                chain, number = starts[at].upper(), 0
            number += 1
            table.rules += 1
            own = f"{chain} " if chain and chain.lower() not in HOOKS else chain
            table.entries[at] = _Entry(at, own, number, raw)
        at += following
    table.hooks = {hook: start for hook, start in table.hooks.items() if start in table.entries}
    return table


def _where(table: Table, entry: _Entry) -> str:
    """Return how an operator finds a rule: by the number that `iptables -L CHAIN --line-numbers` gives it."""
    command = _LAYOUTS[table.family].command
    return narrowed(f"{command}-legacy -t {table.name} {entry.chain.strip()} {entry.number}")


def _matches(layout: _Layout, raw: bytes) -> list[tuple[str, int, bytes]]:
    """Return name, revision and information of each match of an entry (struct xt_entry_match)."""
    if not raw:
        return []
    found: list[tuple[str, int, bytes]] = []
    at, end = layout.size, struct.unpack_from("=H", raw, layout.target)[0]
    while at + 32 <= end <= len(raw):
        size = struct.unpack_from("=H", raw, at)[0]
        if not 32 <= size <= end - at:
            break
        found.append((_word(raw[at + 2 : at + 31]), raw[at + 31], raw[at + 32 : at + size]))
        at += size
    return found


def _target_of(layout: _Layout, raw: bytes) -> tuple[str, int, bytes]:
    """Return name, revision and information of the target of an entry (struct xt_entry_target)."""
    if not raw:
        return "", 0, b""
    at = struct.unpack_from("=H", raw, layout.target)[0]
    return _word(raw[at + 2 : at + 31]), (raw[at + 31] if at + 31 < len(raw) else 0), raw[at + 32 :]


def _word(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode(errors="replace")


def _ways(family: str, entry: _Entry) -> list[Way]:
    if not entry.raw:
        return []
    layout = _LAYOUTS[family]
    match = _own(family, layout, entry.raw)
    if match is None:
        return []
    way = Way(match)
    for name, revision, info in _matches(layout, entry.raw):
        if not xtables.apply_match(way, name, revision, info, family):
            return []
    name, revision, info = _target_of(layout, entry.raw)
    if name:
        xtables.apply_target(way, name, revision, info, family)
        return [way]
    verdict = struct.unpack_from("=i", info.ljust(4, b"\0"))[0]
    if verdict < 0:
        way.verdict = _STANDARD.get(verdict, ways.QUEUE)
    elif verdict != entry.at + len(entry.raw):  # else it goes on with the next: a rule without a target
        way.verdict = ways.GOTO if entry.raw[layout.flags] & layout.goto else ways.JUMP
        way.chain = str(verdict)
    return [way]


def _own(family: str, layout: _Layout, raw: bytes) -> Match | None:
    """Return the conditions of an entry itself: addresses, interfaces, protocol; None if no TCP connection meets it."""
    width, inverted = (4 if family == "ip" else 16), raw[layout.inverted]
    protocol = struct.unpack_from("=H", raw, layout.protocol)[0]
    asks = protocol and (not layout.has_protocol or raw[layout.flags] & 1)
    if asks and (protocol == _TCP) == bool(inverted & _PROTOCOL):
        return None
    match: Match | None = anything(family)
    if inverted & _FRAGMENT or (family == "ip" and raw[layout.flags] & 1):
        match = met(anything(family), anything(unknown=["-f"]), False)
    for number, field_, bit in ((0, "sources", _SOURCE), (1, "destinations", _DESTINATION)):
        address, mask = (raw[at : at + width] for at in (number * width, (number + 2) * width))
        if match is not None and any(mask):
            match = met(match, _prefix(field_, address, mask), bool(inverted & bit))
    for number, field_, bit in ((0, "enters", _VIA_IN), (1, "leaves", _VIA_OUT)):
        start = layout.interfaces + 16 * number
        name, mask = raw[start : start + 16], raw[start + 32 : start + 48]
        if match is not None and any(mask):
            known = bytes(letter for letter, bit in zip(name, mask, strict=True) if bit)
            shown = _word(known) + ("" if b"\0" in known else "*")
            match = met(match, only("", {field_: [narrowed(shown)]}), bool(inverted & bit))
    return match


def _prefix(field_: str, address: bytes, mask: bytes) -> Any:
    bits = f"{int.from_bytes(mask):0{len(mask) * 8}b}"
    if "01" in bits:
        return anything(unknown=[f"{ipaddress.ip_address(address)}/{ipaddress.ip_address(mask)}"])
    net = ipaddress.ip_network((address, bits.count("1")), strict=False)
    return only("", {field_: [str(net)]})
