"""What the rules of nftables come to: which have connections tracked, and those on the ways that matter."""

from __future__ import annotations

import re
import socket
import struct
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any

from hosttune.host import netlink
from hosttune.host.filters import netlink_tables, xtables
from hosttune.host.filters.conditions import anything, narrowed
from hosttune.host.filters.netlink_tables import FAMILIES, Chain, Dump, Key, Rule, listed, named, nested, text
from hosttune.host.filters.nft_rules import handle, ways_of
from hosttune.host.filters.nft_state import Sets
from hosttune.host.filters.walking import Base, Step, Walk, Walkable

_TRACKING = ("ct", "nat", "masq", "redir", "connlimit", "synproxy", "flow_offload")
"""Expressions that take nf_ct_netns_get() when their rule is made: nft_ct.c, nft_nat.c, nft_connlimit.c and so on."""
_TRACKING_OBJECTS = {3: "ct helper", 5: "ct count", 7: "ct timeout", 9: "ct expectation", 10: "synproxy"}
_EFFECTS = ("nat", "masq", "connlimit", "notrack", "MASQUERADE", "SNAT", "NETMAP", "CT", "NOTRACK")
_SETS_MARK = (
    struct.pack("=HH", 8, 2) + b"\0\0\0\3" + struct.pack("=HH", 8, 3),
    struct.pack("=H", 1) + b"MARK\0",
    struct.pack("=H", 1) + b"CONNMARK\0",
)
"""NFTA_META_KEY, NFT_META_MARK, NFTA_META_SREG, as nft_meta_set_dump() writes them; or the targets that set it."""
_TRACKS = (*_TRACKING, *xtables.TRACKING, *xtables.TRACKING_TARGETS)
_HAS_EFFECT, _HAS_TRACKING, _ANY = named(_EFFECTS), named(_TRACKS), named({*_EFFECTS, *_TRACKS})
_IP_FAMILIES = {"ip": ("ip",), "ip6": ("ip6",), "inet": ("ip", "ip6")}
_MOST_NAMED = 8
_FOLLOWING = 64  # rules after the last that matters: they say what becomes of those that a count lets be
_CODE = re.escape(struct.pack("=HH", 8, 1))  # NFTA_VERDICT_CODE: NFT_GOTO or NFT_JUMP, and NFTA_VERDICT_CHAIN
_JUMPS = re.compile(_CODE + rb"\xff\xff\xff[\xfc\xfd]....([^\0]+)\0", re.DOTALL)


class Nft:
    """The rules of a dump, sorted out: `tracking` by family of addresses, chains with effects, the walk's effects."""

    def __init__(self, link: socket.socket | None, dump: Dump) -> None:
        self.dump = dump
        self.tracking: dict[str, list[str]] = defaultdict(list)
        self.unread: list[str] = []
        self.mangles = False
        self._sets = Sets(link, dump)
        self._last: dict[Key, int] = {}  # of a chain the number of the last rule that matters in it
        self._matter: dict[Key, set[int]] = defaultdict(set)
        self._search()

    def walk(self) -> Walk:
        """Return what the rules do on the ways from the base chains; raises OSError."""
        walk = Walk(self._target, self.mangles)
        if not self._last:
            return walk
        self._reach()
        bases = [chain for chain in self.dump.chains.values() if chain.hook and chain.key in self._last]
        for chain in sorted(bases, key=lambda chain: chain.priority):
            family = FAMILIES[chain.key[0]]
            base = Base(chain.key, chain.hook, chain.type == "nat")
            walk.base(base, self._walkable(chain), anything(family if family in ("ip", "ip6") else ""))
        return walk

    def _search(self) -> None:
        """Find the rules with expressions of the names that matter, and note what has connections tracked."""
        for chain in self.dump.chains.values():
            if FAMILIES.get(chain.key[0]) not in _IP_FAMILIES:
                continue
            self._search_chain(chain)
        for set_ in self.dump.sets.values():
            if set_.raw and named(("connlimit",)).search(set_.raw):
                self._tracks(set_.key[0], f"{_named(set_.key)}, ct count")
        for family, kind, name in self.dump.objects:
            if kind in _TRACKING_OBJECTS:
                self._tracks(family, f"{FAMILIES.get(family, '')} {_TRACKING_OBJECTS[kind]} {name}")

    def _search_chain(self, chain: Chain) -> None:
        names = _IP_FAMILIES[FAMILIES[chain.key[0]]]
        buffer, matters, sets, enough = b"", False, False, False
        for number, rule in enumerate(chain.rules):
            span = rule.data, rule.start, rule.end
            if rule.data is not buffer:  # most buffers have a hundred rules that are of no concern
                buffer = rule.data
                matters, sets = _ANY.search(buffer) is not None, any(words in buffer for words in _SETS_MARK)
            self.mangles = self.mangles or (sets and any(rule.data.find(words, *span[1:]) >= 0 for words in _SETS_MARK))
            if not matters:
                continue
            if _HAS_EFFECT.search(*span) or (not enough and _HAS_TRACKING.search(*span)):
                self._look(chain, number, rule)
                enough = all(len(self.tracking[name]) >= _MOST_NAMED for name in names)

    def _look(self, chain: Chain, number: int, rule: Rule) -> None:
        """Take a rule apart as far as the names in it, for other attributes may be called alike."""
        fields = netlink.attributes(rule.data, rule.start, rule.end)
        for name, body in _names(fields.get(4, b"")):
            if name in _EFFECTS and not (name == "nat" and body.get(1, b"")[-1:] != b"\0"):
                self._last[chain.key] = number
                self._matter[chain.key].add(number)
            tracks = name in _TRACKS
            if tracks and not (name == "CT" and xtables.has_no_tracking(body.get(3, b""))):
                handle = int.from_bytes(fields.get(3, b""))
                self._tracks(chain.key[0], f"{_named(chain.key)} handle {handle}, {name}")

    def _tracks(self, family: int, where: str) -> None:
        for name in _IP_FAMILIES.get(FAMILIES.get(family, ""), ()):
            if len(self.tracking[name]) < _MOST_NAMED:
                self.tracking[name].append(narrowed(where))

    def _reach(self) -> None:
        """Have the rules matter that lead to chains with rules that do."""
        callers: dict[Key, list[tuple[Key, int]]] = defaultdict(list)
        if all(self.dump.chains[key].hook for key in self._last):
            return
        for chain in self.dump.chains.values():
            for number, rule in enumerate(chain.rules):
                for name in {*_JUMPS.findall(rule.data, rule.start, rule.end), *self._by_map(chain, rule)}:
                    callers[(*chain.key[:2], name)].append((chain.key, number))
        waiting = list(self._last)
        while waiting:
            for key, number in callers[waiting.pop()]:
                self._matter[key].add(number)
                if self._last.get(key, -1) < number:
                    if key not in self._last:
                        waiting.append(key)
                    self._last[key] = number

    def _by_map(self, chain: Chain, rule: Rule) -> Iterable[bytes]:
        """Return the chains that a map of verdicts leads to."""
        if rule.data.find(b"lookup\0", rule.start, rule.end) < 0:
            return ()
        fields = netlink.attributes(rule.data, rule.start, rule.end)
        maps = [body.get(1, b"").rstrip(b"\0") for name, body in _names(fields.get(4, b"")) if name == "lookup"]
        found: list[bytes] = []
        for name in maps:
            info = self.dump.sets.get((*chain.key[:2], name))
            if info is not None and info.flags & netlink_tables.MAP:
                rows = self._sets.members(chain, name)[1] or ()
                found += [row.data[4:].rstrip(b"\0") for row in rows if len(row.data) > 4]
        return found

    def _walkable(self, chain: Chain) -> Walkable:
        last, matter = self._last.get(chain.key, -1), self._matter[chain.key]
        steps = [
            Step(
                f"{_named(chain.key)} handle {handle(rule)}",
                partial(ways_of, self._sets, chain, rule),
                number in matter,
            )
            for number, rule in enumerate(chain.rules[: last + 1 + _FOLLOWING])
        ]
        return Walkable(steps, chain.drops)

    def _target(self, key: Any, name: str) -> tuple[Any, Walkable] | None:
        target = self.dump.chains.get((key[0], key[1], name.encode()))
        return (target.key, self._walkable(target)) if target is not None else None


def _names(expressions: bytes) -> Iterable[tuple[str, dict[int, bytes]]]:
    """Yield names and bodies of expressions, those of matches, targets and within a set among them."""
    for raw in listed(expressions):
        expression = nested(raw)
        name, body = text(expression.get(1, b"")), nested(expression.get(2, b""))
        if name in ("match", "target"):
            yield text(body.get(1, b"")), body
        yield name, body
        if name == "dynset":
            inner = [body[7]] if 7 in body else []
            for part in (*inner, *listed(body.get(10, b""))):
                yield text(nested(part).get(1, b"")), {}


def _named(key: Key) -> str:
    return narrowed(f"{FAMILIES.get(key[0], '')} {text(key[1])} {text(key[2])}")
