"""nftables' virtual machine halfway through a rule: its registers, and the way that is taken so far."""

from __future__ import annotations

import dataclasses
import socket
from dataclasses import dataclass, field

from hosttune.host.filters import symbols
from hosttune.host.filters.conditions import Condition, Match, narrowed
from hosttune.host.filters.netlink_tables import INTERVAL, Chain, Dump, Element, Key, elements, nested
from hosttune.host.filters.symbols import Byte
from hosttune.host.filters.ways import Way

MOST_WAYS = 64
"""Elements of a map, or of a set of several fields, that are told apart."""
REGISTERS = 80
"""Bytes: NFT_REG32_COUNT * 4."""


class Sets:
    """The sets of a dump; elements are asked for where a rule refers to one, once."""

    def __init__(self, link: socket.socket | None, dump: Dump) -> None:
        self._link, self._dump = link, dump
        self._elements: dict[Key, list[Element] | None] = {}

    def members(self, chain: Chain, name: bytes) -> tuple[int, list[Element] | None]:
        """Return flags and elements of a set of a chain's table; None: too many to look at, or not there."""
        key = (chain.key[0], chain.key[1], name)
        info = self._dump.sets.get(key)
        if info is None or self._link is None:
            return 0, None
        if key not in self._elements:
            self._elements[key] = elements(self._link, key)
        rows = self._elements[key]
        return info.flags, _ranges(rows) if rows is not None and info.flags & INTERVAL else rows


@dataclass(slots=True)
class State:
    """A way through the expressions up to one, and the registers there.

    `words` say of a register what it was loaded from, `choice` of which elements of a map it may be, drawn by lot.
    """

    way: Way
    chain: Chain
    sets: Sets
    registers: list[Byte] = field(default_factory=lambda: [None] * REGISTERS)
    words: dict[int, str] = field(default_factory=dict)
    choice: dict[int, list[Element]] = field(default_factory=dict)

    def copy(self) -> State:
        """Return another way that has been the same so far."""
        way = dataclasses.replace(self.way)
        return State(way, self.chain, self.sets, self.registers[:], dict(self.words), dict(self.choice))


def _ranges(rows: list[Element]) -> list[Element]:
    """Return elements with the last key of each: an interval comes as its first key, and one that ends it."""
    if any(row.last is not None for row in rows):
        return rows
    merged: list[Element] = []
    for row in sorted(rows, key=lambda row: (row.key, not row.ends)):
        if row.ends:
            if merged and merged[-1].last is None:
                number = int.from_bytes(row.key) - 1
                merged[-1].last = max(number, 0).to_bytes(len(row.key))
            continue
        if merged and merged[-1].last is None and merged[-1].key:
            number = max(int.from_bytes(row.key) - 1, 0)
            merged[-1].last = number.to_bytes(len(row.key))
        merged.append(Element(row.key, None, row.data))
    if merged and merged[-1].last is None and merged[-1].key:
        merged[-1].last = b"\xff" * len(merged[-1].key)
    return merged


def register_of(body: dict[int, bytes], kind: int) -> int | None:
    """Return the byte at which a register begins (nft_parse_register(), nft_dump_register())."""
    number = int.from_bytes(body.get(kind, b""))
    if 1 <= number <= 4:
        return (number - 1) * 16
    return (number - 8) * 4 if 8 <= number < 28 else None


def number_of(body: dict[int, bytes], kind: int) -> int:
    return int.from_bytes(body.get(kind, b"")[:8])


def value_of(body: dict[int, bytes], kind: int) -> bytes:
    return nested(body.get(kind, b"")).get(1, b"")


def held_at(state: State, at: int | None, length: int) -> list[Byte]:
    return state.registers[at : at + length] if at is not None else []


def put(state: State, at: int | None, held: list[Byte], words: str = "") -> None:
    if at is None:
        return
    end = min(at + len(held), REGISTERS)
    state.registers[at:end] = held[: end - at]
    for number in range(end, min(end + -len(held) % 4, REGISTERS)):
        state.registers[number] = 0  # a register is filled up with zeros
    state.choice.pop(at, None)
    if words:
        state.words[at] = words
    else:
        state.words.pop(at, None)


def doubt(state: State, words: str) -> None:
    match: Match = state.way.match.copy()
    match["unknown"] = list(dict.fromkeys([*match["unknown"], narrowed(words)]))
    state.way.match = match


def require(state: State, wanted: Condition | bool, negated: bool = False, words: str = "") -> list[State]:
    if words and not isinstance(wanted, bool) and wanted["unknown"]:
        wanted = {**wanted, "unknown": [words]}
    match = symbols.met(state.way.match, wanted, negated)
    if match is None:
        return []
    state.way.match = match
    return [state]
