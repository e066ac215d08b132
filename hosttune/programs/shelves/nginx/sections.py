"""The sections of nginx: each upstream, or host, that something passes to, with the sources that it is reached from."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from hosttune.model import Backend, BindMode, Section, Server
from hosttune.model.listening import endpoint
from hosttune.programs.shelves.nginx import sources
from hosttune.programs.shelves.nginx.addresses import UNIX, Names, goal, numeric
from hosttune.programs.shelves.nginx.grammar import Directive
from hosttune.programs.shelves.nginx.passing import Pass
from hosttune.programs.shelves.nginx.sources import Shares
from hosttune.programs.shelves.nginx.upstreams import Member, Upstream
from hosttune.programs.shelves.nginx.variables import Choice, Variables

_NAMED = 3


@dataclass(slots=True)
class _Group:
    """What becomes a section: upstreams with their share of it and the sources that they are reached from."""

    name: str
    where: str
    split: bool = False  # its upstreams are chosen by split_clients
    parts: dict[int, tuple[Upstream, Fraction, Shares]] = field(default_factory=dict)
    moves: bool = True
    uneven: str = ""
    unknown: dict[str, None] = field(default_factory=dict)

    @property
    def shares(self) -> Shares:
        """The sources of the first of its upstreams."""
        return next((dist for _, _, dist in self.parts.values()), ())


class Sections:
    """Collects what is passed on; `notes` are on what is passed over on purpose, `resolvers` those that are asked.

    `upstreams` are those of the files by http or stream and name, `elsewhere` says where another could stand that was
    not read, "" where all was.
    """

    def __init__(self, names: Names, upstreams: Mapping[tuple[str, str], Upstream], elsewhere: str) -> None:
        self._names, self._upstreams, self._elsewhere = names, upstreams, elsewhere
        self._groups: dict[object, _Group] = {}
        self._hosts: dict[tuple[str, int], Upstream] = {}
        self._choices: dict[tuple[int, str, str], tuple[Choice, ...]] = {}
        self._added: dict[object, list[object]] = {}
        self._kept: list[Variables] = []  # so that none has the id of another
        self.notes: dict[str, None] = {}
        self.used: dict[int, Upstream] = {}
        self.resolvers: set[Directive] = set()

    def add(self, one: Pass) -> list[object]:
        """Take in a pass; return the keys of the groups that it leads to."""
        bind = (one.bind.where, *one.bind.args) if one.bind else ()
        alike = (one.kind, one.directive.name, one.text, bind, id(one.variables), one.moves_on, "resolver" in one.scope)
        if alike not in self._added:
            self._kept.append(one.variables)
            self._added[alike] = self._new(one)
        return self._added[alike]

    def _new(self, one: Pass) -> list[object]:
        bound = one.bind.args[0] if one.bind else ""
        choices = self._chosen(one, one.text, bound)
        targets: dict[str | None, list[tuple[str | None, Fraction]]] = {}
        for choice in choices:
            target, bind = choice.values
            targets.setdefault(target, []).append((bind, choice.share))
        if not choices or (None in targets and len(targets) == 1):
            return [self._blind(one)]
        split = None
        if len(targets) > 1 and all(choice.known for choice in choices):
            split = self._split(one)
            if split.parts:
                return [_split_key(one)]
        keys: list[object] = []
        for target, binds in targets.items():
            key = self._blind(one) if target is None else self._one(one, target, binds, split)
            keys += [key] if key is not None else []
        by = next((choice.by for choice in choices if not choice.known), "")
        if by and len(targets) == 1 and one.bind and len(choices) > 1:
            self.notes[f"{one.bind.where}: {by} decides the source; its addresses are taken to get alike"] = None
        return list(dict.fromkeys(keys))

    def all_of(self, upstream: Upstream) -> None:
        """Take in an upstream as if something passed to it."""
        group = self._groups.setdefault((id(upstream), sources.ROUTED), _Group(upstream.name, upstream.where))
        self._join(group, upstream, Fraction(1), sources.ROUTED)

    def made(self) -> tuple[dict[object, str], tuple[Section, ...]]:
        """Return the names of the sections by the keys of their groups, and the sections."""
        names: dict[object, str] = {}
        taken: set[str] = set()
        # alike but for where they stand are those of http and of stream
        sources_of = {(group.name, group.shares) for group in self._groups.values()}
        several = Counter(name for name, _ in sources_of)
        for key, group in self._groups.items():
            name = group.name
            if several[name] > 1:
                name = f"{name} from {_listed(group.shares)}"
            name = f"{name} ({group.where})" if name in taken else name
            while name in taken:
                name += " again"
            taken.add(name)
            names[key] = name
        return names, tuple(_section(names[key], group) for key, group in self._groups.items())

    def _chosen(self, one: Pass, text: str, bound: str) -> tuple[Choice, ...]:
        if "$" not in text and "$" not in bound:
            return (Choice((text, bound), Fraction(1)),)
        key = (id(one.variables), text, bound)
        if key not in self._choices:
            self._choices[key] = one.variables.choices(text, bound)
        return self._choices[key]

    def _split(self, one: Pass) -> _Group:
        """Return the group of all that split_clients chooses among; the next server would have another share."""
        name = f"{one.directive.name} {one.text}"
        group = self._groups.setdefault(_split_key(one), _Group(name, one.directive.where, split=True))
        group.moves = False
        return group

    def _one(
        self, one: Pass, target: str, binds: Sequence[tuple[str | None, Fraction]], split: _Group | None
    ) -> object:
        """Take in one of the targets of a pass; return the key of its group, None where it leads nowhere."""
        to = self._target(one, target)
        if to is None:
            return None
        if isinstance(to, str):
            key: object = (one.kind, "unknown", one.text)
            group = self._groups.setdefault(key, _Group(f"{one.directive.name} {target}", one.directive.where))
            group.unknown[to] = None
            return key
        known = [(found, part) for text, part in binds if text is not None and (found := sources.source(text))]
        dist = sources.shares(known) if known else ()
        key = _split_key(one) if split else (id(to), dist)
        group = split or self._groups.setdefault(key, _Group(to.name, to.where))
        group.moves = group.moves and one.moves_on
        if one.bind and len(known) < len(binds):
            group.unknown[_source_doubt(one, binds)] = None
        self._join(group, to, sum((part for _, part in binds), Fraction(0)) if split else Fraction(1), dist)
        return key

    def _join(self, group: _Group, to: Upstream, share: Fraction, dist: Shares) -> None:
        self.used[id(to)] = to
        self.notes.update(dict.fromkeys(to.notes))
        if id(to) in group.parts and group.split:
            share += group.parts[id(to)][1]
        group.parts[id(to)] = (to, share, dist)
        group.uneven = group.uneven or to.uneven
        group.unknown.update(dict.fromkeys(to.unknown))

    def _target(self, one: Pass, text: str) -> Upstream | str | None:
        """Return what a text leads to: an upstream, a sentence on why it is not known, None for what takes no ports."""
        where = one.directive.where
        host, portless, problem = one.destination(text)
        shown = f"{where}: {one.directive.name} {text}"
        if problem:
            return f"{shown}: {problem}"
        if not host and "$" in one.text:
            self.notes[f"{where}: {one.directive.name} {one.text}: it leads nowhere where its variable is empty"] = None
            return None
        if host.startswith(UNIX):
            self.notes[f"{shown}: a Unix socket takes no ports"] = None
            return None
        if upstream := self._upstreams.get((one.kind, host.lower())):
            return upstream
        to = goal(host)
        if to.problem:
            return f"{shown}: {to.problem}"
        dynamic = "$" in one.directive.args[0]
        if not numeric(to.host):
            if dynamic and "resolver" not in one.scope:
                self.notes[f"{shown}: no resolver is set, so that nginx does not find {to.host}"] = None
                return None
            self.resolvers.update(one.scope.get("resolver", ()) if dynamic else ())
            if not to.port and self._elsewhere:
                return f"{shown}: {to.host} may be an upstream of {self._elsewhere}"
        if not (port := to.port or portless):
            return f"{shown}: it has no port"
        return self._host(one, to.host, port, dynamic)

    def _host(self, one: Pass, host: str, port: int, dynamic: bool) -> Upstream:
        """Return what stands for a host that is named where it is passed to: a server for each of its addresses."""
        key = (host.lower(), port)
        if key not in self._hosts:
            where, text = one.directive.where, endpoint(host, port)
            made = Upstream(f"{one.directive.name} {text}", where)
            addresses, problem = self._names.addresses(host)
            if problem:
                made.unknown.append(f"{where}: {one.directive.name} {text}: {problem}")
            made.members = [Member(text, where, address, port) for address in addresses]
            if dynamic and not numeric(host):
                made.growing = f"{where}: {host} is resolved while nginx runs: it may be at more addresses later"
            self._hosts[key] = made
        return self._hosts[key]

    def _blind(self, one: Pass) -> object:
        self.resolvers.update(one.scope.get("resolver", ()))
        text, key = f"{one.directive.name} {one.text}", (one.kind, "unknown", one.text)
        group = self._groups.setdefault(key, _Group(text, one.directive.where))
        group.unknown[f"{one.directive.where}: {text}: where it leads is decided while nginx runs"] = None
        return key


def _split_key(one: Pass) -> object:
    return (one.kind, "split", one.text, one.bind.args if one.bind else ())


def _source_doubt(one: Pass, binds: Iterable[tuple[str | None, Fraction]]) -> str:
    bind = one.bind
    assert bind is not None
    wrong = next((text for text, _ in binds if text is not None and sources.source(text) is None), None)
    if wrong is not None:
        return f"{bind.where}: {bind.name} {' '.join(bind.args)}: {wrong!r} is no address"
    return sources.problem(bind)


def _listed(dist: Shares) -> str:
    texts = [str(of) for of, _ in dist] or ["addresses that are not known"]
    more = f" and {len(texts) - _NAMED:,} more" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more


def _section(name: str, group: _Group) -> Section:
    moves = group.moves and all(sources.reach_alike(dist) for _, _, dist in group.parts.values())
    weighed = [row for part in group.parts.values() for row in _servers(*part, moves)]
    if not weighed and any(to.members and dist for to, _, dist in group.parts.values()):
        group.unknown[f"{group.where}: {name}: its sources are of the other version of IP"] = None
    growing = next((to.growing for to, _, _ in group.parts.values() if to.growing), "")
    return Section(
        name,
        group.where,
        tuple(_scaled(weighed, group.split)),
        moves_on=moves,
        uneven=group.uneven,
        unknown=tuple(group.unknown),
        growing=growing,
    )


def _servers(to: Upstream, share: Fraction, dist: Shares, moves: bool) -> Iterator[tuple[Server, Fraction]]:
    """Yield the servers of an upstream with their parts of the section, as its weights and sources share it."""
    whole = sum(member.weight for member in to.members if not member.backup) or 1
    for member in to.members:
        at = Backend(member.address, member.port, member.name)
        for backend, shares, part in sources.backends(at, dist, apart=not moves and member.most is None):
            server = Server(member.name, member.where, backend, most=member.most, shares=shares, backup=member.backup)
            yield server, share * Fraction(member.weight, whole) * part


def _scaled(weighed: Sequence[tuple[Server, Fraction]], split: bool) -> Iterator[Server]:
    """Yield the servers with whole numbers as weights: those that split_clients cannot have more equal are equal."""
    if not weighed:
        return
    if split and sources.are_even(share for _, share in weighed):
        yield from (server for server, _ in weighed)
        return
    scale = math.lcm(*(share.denominator for _, share in weighed))
    weights = [int(share * scale) for _, share in weighed]
    common = math.gcd(*weights) or 1
    for (server, _), weight in zip(weighed, weights, strict=True):
        yield replace(server, weight=max(weight // common, 1))


def modes(sections: Sequence[Section]) -> tuple[BindMode | None, tuple[Section, ...]]:
    """Return how most connections get their ports, and the sections with the modes of those that do otherwise."""
    every = [server.backend.mode for section in sections for server in section.servers]
    if not every:
        return None, tuple(sections)
    usual = every[0]

    def told(server: Server) -> Server:
        mode = None if server.backend.mode is usual else server.backend.mode
        return replace(server, backend=replace(server.backend, mode=mode))

    return usual, tuple(replace(s, servers=tuple(told(server) for server in s.servers)) for s in sections)
