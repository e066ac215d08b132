"""What the kernel says of the ways of one program: the sources that it may pick, and what carries nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import Any

from hosttune.addresses import bare, is_loopback, needs_zone
from hosttune.errors import HostError
from hosttune.facts import refusals, route_rules
from hosttune.facts.refusals import Refusal
from hosttune.facts.route_rules import Variant
from hosttune.host import Host, text
from hosttune.model import Backend, Caller, Reason

ANY = frozenset({"0.0.0.0", "::"})
"""What a program binds to that names no address in particular: INADDR_ANY and in6addr_any, ip(7), ipv6(7)."""
_MOST_ASKED = 2_000
"""Routes that are asked for beside one for each backend: each takes some 50 us."""
_SHOWN = 2

Way = Mapping[str, Any]


class Choice(StrEnum):
    """Whether a program has a source: ALWAYS, RULE: one of several, HOP: each connection has one of several."""

    ALWAYS = "always"
    RULE = "rule"
    HOP = "hop"


@dataclass(frozen=True, slots=True)
class Other:
    """Another source that routing may pick, and on what that depends; `way` where it may pick none."""

    choice: Choice
    when: str
    way: Way = field(default_factory=dict)


@dataclass(slots=True)
class Routing:
    """What is asked of one host for one program; `notes` takes what a reader has to know."""

    host: Host
    caller: Caller
    notes: list[str]
    rules: tuple[route_rules.Rule, ...] = field(init=False)
    _policies: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.rules = route_rules.ours(route_rules.read(self.host))

    def key(self, backend: Backend) -> str:
        """Return what tells the ways to backends apart: the port only where a rule goes by it."""
        by_port = route_rules.asks(self.rules, "dports")
        return str(backend) if by_port or backend.zone else backend.address

    def ways(self, backends: Iterable[Backend]) -> dict[str, Way]:
        """Return the way to each backend by its key; raises HostError."""
        goals = {self.key(backend): backend for backend in backends}
        base = route_rules.known(self.caller).asked()
        try:
            answers: list[Way] = self.host.probe("ways", questions=[_question(b, base) for b in goals.values()])
        except HostError as error:
            if error.reason is not Reason.NOT_RECORDED:
                raise
            # as recordings of before were asked
            plain = self.host.probe("routes", destinations=sorted({b.address for b in goals.values()}))
            return {key: plain[b.address] for key, b in goals.items() if b.address in plain}
        return dict(zip(goals, answers, strict=True))

    def others(self, backends: Iterable[Backend], ways: Mapping[str, Way]) -> dict[str, dict[str, Other]]:
        """Return by key the sources that routing may pick instead of that of the way, and on what that depends."""
        goals = {self.key(b): b for b in backends if ways.get(self.key(b), {}).get("source")}
        made: dict[str, dict[str, Other]] = {}
        for key, source, other in (*self._by_rule(goals, ways), *self._by_hop(goals, ways)):
            if source != ways[key]["source"]:
                made.setdefault(key, {}).setdefault(source, other)
        return made

    def _by_rule(self, goals: Mapping[str, Backend], ways: Mapping[str, Way]) -> Iterator[tuple[str, str, Other]]:
        left = _MOST_ASKED
        for version in (4, 6):
            mine = {key: b for key, b in goals.items() if (":" in b.address) == (version == 6)}
            for variant in route_rules.variants(self.rules, self.caller, version) if mine else ():
                about = {key: b for key, b in mine.items() if variant.concerns(b.address)}
                if len(about) > left:
                    self.notes.append(f"{variant.rule}: whether it decides here was not asked for all destinations")
                asked = dict(list(about.items())[:left])
                left -= len(asked)
                yield from self._of_variant(variant, asked, ways)

    def _of_variant(
        self, variant: Variant, asked: Mapping[str, Backend], ways: Mapping[str, Way]
    ) -> Iterator[tuple[str, str, Other]]:
        """Yield the sources of a program that is as a rule wants it, where they differ, and note the rule."""
        answers = self._asked([_question(b, variant.asked()) for b in asked.values()])
        differing = []
        for key, way in zip(asked, answers, strict=True) if answers else ():
            if way["source"] != ways[key]["source"]:
                differing.append((asked[key], way, ways[key]))
                yield key, way["source"], Other(Choice.RULE, variant.rule, way)
        if not differing:
            return
        backend, way, plain = differing[0]
        then = way["source"] or f"none ({way.get('error')})"
        more = f" and {len(differing) - 1:,} more" if len(differing) > 1 else ""
        give = f"; give it with {variant.hint}" if variant.hint else ""
        where = f"the source towards {backend}{more} is {plain['source']}, or {then}"
        self.notes.append(f"routing goes by what is not known of the program, {variant.rule}: {where}{give}")

    def _by_hop(self, goals: Mapping[str, Backend], ways: Mapping[str, Way]) -> Iterator[tuple[str, str, Other]]:
        """Yield the sources of the next hops of routes that have several, where each connection draws one.

        With a policy of 0 the hash is of the addresses, and the same for all (fib_multipath_hash(), net/ipv4/route.c):
        the way that was asked for is the one that is taken.
        """
        drawn = {key: b for key, b in goals.items() if self._draws(b)}
        if len(drawn) > _MOST_ASKED:
            self.notes.append("routes with several next hops were not looked for: there are too many destinations")
            return
        base = route_rules.known(self.caller).asked()
        answers = self._asked([_question(b, base, hops=True) for b in drawn.values()])
        for key, way in zip(drawn, answers, strict=True) if answers else ():
            hops = sorted({hop["interface"] for hop in way.get("hops", ()) if hop["interface"]})
            if len(hops) < _SHOWN:
                continue
            each = self._asked([_question(drawn[key], {**base, "device": hop}) for hop in hops])
            sources = dict.fromkeys(way["source"] for way in each if way["source"])
            if len(sources) > 1:
                names = " or ".join(sources)
                self.notes.append(f"{drawn[key]}: {len(hops)} next hops, each connection draws one: from {names}")
            for source in sources:
                yield key, source, Other(Choice.HOP, "one of several next hops")

    def _draws(self, backend: Backend) -> bool:
        version = "ipv6" if ":" in backend.address else "ipv4"
        if version not in self._policies:
            self._policies[version] = text(self.host, f"/proc/sys/net/{version}/fib_multipath_hash_policy")
        return self._policies[version] not in ("", "0")

    def refused(self, pairs: Sequence[tuple[str, Backend]]) -> dict[tuple[str, Backend], Refusal]:
        """Return why pairs carry nothing, of those of which the kernel says so."""
        sources = sorted({source for source, _ in pairs if source not in ANY})
        try:
            bound = self.host.probe("bindable", addresses=sources, device=self.caller.device or "") if sources else {}
        except HostError:
            return {}
        of_bind = {s: refusals.of_bind(bound[s], s, self.caller.device or "") for s in sources if bound.get(s)}
        goals = {self._way_key(pair, len(pairs)): pair for pair in reversed(pairs) if pair[0] not in {*ANY, *of_bind}}
        base = route_rules.known(self.caller).asked()
        asked = [_question(b, base, source=bare(source)) for source, b in goals.values()]
        of_way = dict(zip(goals, self._asked(asked) or [{} for _ in asked], strict=True))
        groups = self._groups(s for s in sources if ":" not in s and s not in of_bind)
        foreign = self._foreign(s for s in sources if s not in of_bind)
        made: dict[tuple[str, Backend], Refusal] = {}
        for source, backend in pairs:
            if source in groups:
                continue
            why = of_bind.get(source)
            if why is None and source not in ANY:
                way = of_way[self._way_key((source, backend), len(pairs))]
                why = refusals.foreign(source) if source in foreign else refusals.of_route(way, source, backend)
            if why is not None:
                made[source, backend] = why
        return made

    def _foreign(self, sources: Iterable[str]) -> set[str]:
        """Return the sources that are no addresses of this host: bind() takes them where it was told to take any."""
        lax = {v: text(self.host, f"/proc/sys/net/{v}/ip_nonlocal_bind") == "1" for v in ("ipv4", "ipv6")}
        named = [s for s in sources if lax["ipv6" if ":" in s else "ipv4"] and not needs_zone(bare(s))]
        device = {"device": self.caller.device} if self.caller.device else {}
        ways = self._asked([{"to": source, **device} for source in named])
        mine = {
            source for source, way in zip(named, ways, strict=False) if way.get("kind") in ("local", *refusals.TO_MANY)
        }
        return set(named) - mine if ways else set()

    def _groups(self, sources: Iterable[str]) -> set[str]:
        """Return the sources that stand for many hosts: bind() takes them for none, and routing picks (inet_bind())."""
        named = list(sources)
        ways = self._asked([{"to": source} for source in named])
        groups = {source for source, way in zip(named, ways, strict=False) if way.get("kind") in refusals.TO_MANY}
        groups |= {source for source in named if source == "255.255.255.255" or ip_address(source).is_multicast}
        self.notes += [f"{source} is no address of one host: bind() takes it, and routing picks" for source in groups]
        return groups

    def _way_key(self, pair: tuple[str, Backend], many: int) -> tuple[str, object]:
        """Return what tells the ways of pairs apart; of very many, one for each source is asked for."""
        source, backend = pair
        return (source, self.key(backend) if many <= _MOST_ASKED else is_loopback(backend.address))

    def _asked(self, questions: list[dict[str, Any]]) -> list[Way]:
        """Return the answers; none where the host gives none: a recording that was made without them."""
        if not questions:
            return []
        try:
            answers: list[Way] = self.host.probe("ways", questions=questions)
        except HostError:
            return []
        return answers


def _question(backend: Backend, base: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    asked = {"to": backend.address, "port": backend.port, **base, **more}
    return asked | {"device": backend.zone} if backend.zone else asked
