"""From base chains through jumps to the rules that translate, count, or keep from being tracked.

net/netfilter/nf_tables_core.c (nft_do_chain()), net/ipv4/netfilter/ip_tables.c (ipt_do_table()): both walk alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hosttune.host.filters import ways
from hosttune.host.filters.conditions import Match, anything, both, is_everything, with_excepts
from hosttune.host.filters.ways import Counting, SourceNat, Way

MOST_RULES = 600
"""Rules that are looked into of those that matter, and of those before them: each takes some 50 microseconds."""
_DEEPEST = 16  # NFT_JUMP_STACK_SIZE
_MOST_ROWS = 256
MANGLED = "a mark that rules set"


@dataclass(slots=True)
class Step:
    """A rule of a chain on the way: its name for an operator, and what it does, found out when it is asked.

    `matters`: it translates, counts or leaves untracked, or leads to rules that do; else it may end the way to them.
    """

    where: str
    read: Callable[[], list[Way]]
    matters: bool = True


@dataclass(slots=True)
class Walkable:
    """A chain: its rules up to the last that matters, and what becomes of what gets through."""

    steps: list[Step] = field(default_factory=list)
    drops: bool = False


@dataclass(slots=True)
class Base:
    """A base chain, as the kernel calls it: at a hook, for NAT or for filtering."""

    chain: Any
    hook: str
    nat: bool


@dataclass(slots=True)
class Effect:
    """What a rule does to those that meet it."""

    where: str
    hook: str
    match: Match
    translation: SourceNat | None = None
    counting: Counting | None = None
    refuses: str = ""
    untracked: bool = False


@dataclass(slots=True)
class Walk:
    """A walk through chains; `chain` finds one by what a jump names, `mangles`: rules set marks."""

    chain: Callable[[Any, str], tuple[Any, Walkable] | None]
    mangles: bool = False
    effects: list[Effect] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    left: dict[bool, int] = field(default_factory=lambda: {True: MOST_RULES, False: MOST_RULES})

    def base(self, base: Base, walkable: Walkable, family: Match) -> None:
        """Walk a base chain."""
        self._walk(base, base.chain, walkable, _Arrived(family, [], walkable.drops, ()))

    def _walk(self, base: Base, key: Any, walkable: Walkable, arrived: _Arrived) -> list[Any]:
        """Walk a chain with what gets there; return what ends there, and does not come back to the caller."""
        ended: list[Any] = []
        returned: list[Any] = []  # to the caller, without the rest of this chain
        passed = 0  # rules that were not looked into
        for number, step in enumerate(walkable.steps):
            if self.left[step.matters] <= 0:
                passed += 1
                if step.matters:
                    self._say(f"{step.where}, and rules after it, were not looked into: there are too many")
                continue
            self.left[step.matters] -= 1
            for way in step.read():
                plain = both(arrived.match, self._unmarked(way.match))
                own = with_excepts(plain, [*plain["excepts"], *returned]) if plain else None
                if own is None:
                    continue
                outside = [*arrived.outside, *ended]
                if passed:
                    outside.append(anything(unknown=[f"{passed:,} earlier rules"]))
                if step.matters and (met := with_excepts(own, [*own["excepts"], *outside])):
                    self._note(base, step, way, met, _Rest(walkable, number, arrived.drops))
                ends = self._follow(base, key, way, _Arrived(own, outside, arrived.drops, (*arrived.seen, key)))
                if way.translation is None:  # else the first that is met is the one: it needs no exception
                    ended += ends
                if way.verdict in (ways.RETURN, ways.GOTO):
                    returned.append(own)
                if any(is_everything_of(part, arrived.match) for part in (*ends, *returned[-1:])):
                    return ended
        return ended

    def _follow(self, base: Base, key: Any, way: Way, arrived: _Arrived) -> list[Any]:
        """Return what does not come back from where a way leads."""
        if way.verdict in (ways.JUMP, ways.GOTO):
            target = self.chain(key, way.chain)
            if target is None or target[0] in arrived.seen or len(arrived.seen) > _DEEPEST:
                return []
            return self._walk(base, target[0], target[1], arrived)
        if way.counting and (way.counting.over or way.verdict in ways.REFUSALS):
            return []  # up to its number all go on
        ends = way.verdict in (ways.ACCEPT, ways.DROP, ways.REJECT, ways.QUEUE)
        return [arrived.match] if ends else []

    def _note(self, base: Base, step: Step, way: Way, met: Match, rest: _Rest) -> None:
        if len(self.effects) >= _MOST_ROWS:
            self._say(f"rules that matter beyond the first {_MOST_ROWS}")
            return
        if way.translation is not None and base.nat:
            self.effects.append(Effect(step.where, base.hook, met, translation=way.translation))
        if way.untracked:
            self.effects.append(Effect(step.where, base.hook, met, untracked=True))
        if way.counting is not None:
            refuses = self._refuses(base, way, met, rest)
            if refuses:
                self.effects.append(Effect(step.where, base.hook, met, counting=way.counting, refuses=refuses))

    def _refuses(self, base: Base, way: Way, met: Match, rest: _Rest) -> str:
        """Return how those beyond the number are refused, "" where they are not.

        A count that lets so many through refuses the others only if what follows does: rules, or the chain's policy.
        """
        counting = way.counting
        if counting is not None and counting.over:
            return self._leads_to(base.chain, way, 0)
        if way.verdict not in (ways.ACCEPT, ways.RETURN):
            return ""
        for step in rest.chain.steps[rest.number + 1 : rest.number + 65]:
            for other in step.read():
                if other.verdict in ways.REFUSALS and other.counting is None and both(met, other.match):
                    return other.verdict
                if other.verdict == ways.ACCEPT and is_everything_of(other.match, met):
                    return ""
        return ways.DROP if rest.drops else ""

    def _leads_to(self, key: Any, way: Way, depth: int) -> str:
        """Return the refusal that a verdict comes to, through chains that refuse whatever gets there."""
        if way.verdict in ways.REFUSALS:
            return way.verdict
        if way.verdict not in (ways.JUMP, ways.GOTO) or depth > _DEEPEST:
            return ""
        target = self.chain(key, way.chain)
        for step in target[1].steps[:64] if target else ():
            for other in step.read():
                if is_everything(other.match) and (answer := self._leads_to(key, other, depth + 1)):
                    return answer
        return ""

    def _unmarked(self, match: Match) -> Match:
        """Return conditions without those of a mark, if rules may change it before: they then are not known."""
        return _without_marks(match) if self.mangles else match

    def _say(self, words: str) -> None:
        if words not in self.unread and len(self.unread) < 16:
            self.unread.append(words)


@dataclass(slots=True)
class _Arrived:
    """What gets to a chain, without what `outside` it ended before; whether what gets through is dropped at last."""

    match: Match
    outside: list[Any]
    drops: bool
    seen: tuple[Any, ...]


@dataclass(slots=True)
class _Rest:
    """Where in a chain a rule stands, and whether the base chain drops what gets through."""

    chain: Walkable
    number: int
    drops: bool


def _without_marks(match: Any) -> Any:
    excepts = [_without_marks(other) for other in match["excepts"]] if "excepts" in match else []
    changed = {**match, **({"excepts": excepts} if "excepts" in match else {})}
    if match["marks"]:
        changed |= {"marks": [], "unknown": list(dict.fromkeys([*match["unknown"], MANGLED]))}
    return changed


def is_everything_of(part: Any, match: Any) -> bool:
    """Say whether all that gets to a chain is part of what leaves it."""
    return not part["unknown"] and not part.get("excepts") and all(part[n] == match[n] for n in _COMPARED)


_COMPARED = (
    *("family", "protocols", "sources", "destinations", "ports", "source_ports"),
    *("enters", "leaves", "marks", "uids"),
)


def rows(items: Iterable[Effect], kind: str) -> Iterator[Effect]:
    """Yield the effects of a kind: translation, counting or untracked."""
    return (item for item in items if getattr(item, kind))
