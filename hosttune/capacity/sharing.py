"""How connections spread over pools: the groups of pools that fill together, section by section.

Without a configuration all backends share evenly. With one each section is looked at by itself, as if it got all of the
load: nobody has said how much of it goes to which. Within a section servers share by their weights; those that are full
by a limit of their own are passed over, and where a section moves on nothing fails before all of its pools are full.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from hosttune.addresses import is_loopback
from hosttune.capacity.classes import Classes
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Backend, BindMode, PortPool, Scope, Section, Server, pool_key


@dataclass(frozen=True, slots=True)
class Group:
    """Pools that fill together; `part` is their share of all connections of their section.

    `name` is the backend's, or the section's for the pools of all its backends, "" without either; `of` tells it from
    the group of another section that has the same backend. `most` are the connections that they get at most by limits
    of the servers, `classes` the servers of the section where some have such a limit: these get no share beyond it.
    `filled` are the ports that are taken when the first of the pools is full, where their shares differ; None where all
    fill evenly. `room` are the ports that connections of the workload can have, those they have now included, `knee`
    the connections from which each connect() searches half of the range first. Groups that are `alike` differ in the
    address of the backend alone: what is reckoned of one holds for all.
    """

    name: str
    family: int
    pools: tuple[PortPool, ...]
    part: Fraction
    section: str = ""
    scope: Scope = Scope.BACKEND
    most: int | None = None
    filled: int | None = None
    classes: Classes = field(default_factory=Classes)
    of: str = ""
    room: int = field(init=False, compare=False)
    knee: int | None = field(init=False, compare=False)
    alike: tuple[object, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        classes = id(self.classes) if self.classes else 0
        share = (self.part.numerator, self.part.denominator, self.most, self.filled, classes)
        # a frozen dataclass is set up this way (dataclasses, "Frozen instances")
        object.__setattr__(self, "room", sum(map(room, self.pools)))
        object.__setattr__(self, "knee", sum(p.knee or 0 for p in self.pools) or None)
        object.__setattr__(self, "alike", (self.section, self.scope, self.family, *share, *map(_counts, self.pools)))

    @property
    def fills(self) -> int:
        """Ports that are taken when a connection of its share fails for the first time."""
        return self.room if self.filled is None else self.filled

    @property
    def limited(self) -> bool:
        """Say whether the servers' own limits keep its ports from running out."""
        return self.most is not None and self.most <= self.fills

    def of_section(self, connections: int) -> int:
        """Return what the section carries when this group has its share of so many connections.

        Servers with a limit of their own stop at it, and the others get what they would have had.
        """
        return self.classes.carried(connections) if self.classes else connections

    def fed(self, connections: int) -> Fraction:
        """Return its share of what the section carries, those that stop at a limit of their own considered."""
        if not self.classes or self.limited:
            return connections * self.part
        return self.classes.offered(connections) * self.part


@dataclass(frozen=True, slots=True)
class _Member:
    """A server with its pools."""

    server: Server
    pools: tuple[PortPool, ...]

    @property
    def most(self) -> int | None:
        return self.server.most.most if self.server.most else None

    @property
    def room(self) -> int:
        ports = sum(room(p) for p in self.pools)
        return ports if self.most is None else min(ports, self.most)


def room(pool: PortPool) -> int:
    """Return the ports of a pool: those in TIME_WAIT come back, those open outside of the range are carried too."""
    if pool.mode is BindMode.BIND:
        return pool.used + pool.free
    return max(pool.usable, pool.established + pool.free)


def _counts(pool: PortPool) -> tuple[object, ...]:
    near = is_loopback(pool.backend.address) if pool.source else None
    return (
        *(pool.source, near, pool.mode, pool.usable, pool.knee, pool.free, pool.established, pool.used),
        pool.fails,
        pool.stamps,
    )


def kinds(groups: Iterable[Group]) -> list[tuple[Group, int]]:
    """Return one of those that are alike, and how many they are."""
    counts = Counter(group.alike for group in groups)
    first = {group.alike: group for group in reversed([*groups])}
    return [(first[alike], count) for alike, count in counts.items()]


def groups(facts: CapacityFacts, pools: Sequence[PortPool]) -> tuple[Group, ...]:
    """Return the groups of all sections; of all backends together where no configuration tells of sections."""
    sections = facts.configuration.sections if facts.configuration else ()
    if not sections or not pools or not pools[0].source:
        return _even(pools)
    owned: set[tuple[object, ...]] = set()
    made: list[Group] = []
    for section, members in _sections(facts, sections, pools):
        owned.update(_key(facts, p) for member in members for p in member.pools)
        made.extend(_of_section(section, members))
    # backends that were named beside the configuration
    return _told_apart([*made, *_even([p for p in pools if _key(facts, p) not in owned])])


def _told_apart(groups: Sequence[Group]) -> tuple[Group, ...]:
    names = Counter(group.name for group in groups)
    return tuple(
        dataclasses.replace(group, of=f"{group.name} of {group.section}") if names[group.name] > 1 else group
        for group in groups
    )


def total(facts: CapacityFacts, groups: Sequence[Group], each: Sequence[int]) -> int:
    """Return what all groups carry together; `each` is the connections of its section at which a group is full.

    Each gets as much as it has room for. With bind() the groups of a section share no ports but their backends do, and
    the narrower one is full first. A pool that two sections lead to is counted once.
    """
    if groups[0].pools[0].mode is BindMode.BIND:
        return min(each)
    whole: dict[str, Fraction] = {}
    for group in groups:
        whole[group.section] = whole.get(group.section, Fraction(0)) + group.part
    own = [n * g.part.numerator // g.part.denominator for n, g in zip(each, groups, strict=True)]
    sums = sum(n if g.most is None else min(n, g.most) for n, g in zip(own, groups, strict=True))
    keys = Counter(_key(facts, pool) for group in groups for pool in group.pools)
    if any(count > 1 for count in keys.values()):
        distinct = {_key(facts, pool): room(pool) for group in groups for pool in group.pools}
        sums = min(sums, int(sum(distinct.values()) / facts.workload.tuples_per_connection))
    if any(part < 1 for part in whole.values()):
        # what a section gives to servers that take no ports is carried too
        return max(sums, min(g.of_section(n) for n, g in zip(each, groups, strict=True)))
    return max(sums, min(each)) if len(whole) == 1 and not groups[0].classes else sums


def _even(pools: Sequence[PortPool]) -> tuple[Group, ...]:
    """Group pools by backend; with bind() by address family, each source once, with what all backends use of it."""
    members: dict[tuple[str, int], list[PortPool]] = {}
    shared = bool(pools) and pools[0].mode is BindMode.BIND
    for pool in pools:
        members.setdefault(("" if shared else str(pool.backend), _family(pool)), []).append(pool)
    backends = len({str(pool.backend) for pool in pools})
    made = []
    for (name, family), of in members.items():
        part = Fraction(len({str(pool.backend) for pool in of}), backends)
        made.append(Group(name, family, _once(of) if shared else tuple(of), part))
    return tuple(made)


def _family(pool: PortPool) -> int:
    return 6 if ":" in pool.backend.address else 4


def _once(pools: Iterable[PortPool]) -> tuple[PortPool, ...]:
    by_source: dict[str, PortPool] = {}
    for pool in pools:
        first = by_source.get(pool.source)
        by_source[pool.source] = (
            pool
            if first is None
            else dataclasses.replace(
                first,
                established=first.established + pool.established,
                time_wait=first.time_wait + pool.time_wait,
                other=first.other + pool.other,
            )
        )
    return tuple(by_source.values())


def _key(facts: CapacityFacts, pool: PortPool) -> tuple[object, ...]:
    return pool_key(pool.source, pool.backend, facts.workload.bind_mode)


def _sections(
    facts: CapacityFacts, sections: Sequence[Section], pools: Sequence[PortPool]
) -> Iterator[tuple[Section, list[_Member]]]:
    """Yield each section with those of its servers that have pools."""
    by_key = {_key(facts, pool): pool for pool in pools}
    by_goal: dict[tuple[object, ...], list[PortPool]] = {}
    for key, pool in by_key.items():
        by_goal.setdefault(key[1:], []).append(pool)
    for section in sections:
        members = [_Member(server, _pools_of(facts, server, by_key, by_goal)) for server in section.servers]
        members = [member for member in members if member.pools]
        if members:
            yield section, members


def _pools_of(
    facts: CapacityFacts,
    server: Server,
    by_key: Mapping[tuple[object, ...], PortPool],
    by_goal: Mapping[tuple[object, ...], list[PortPool]],
) -> tuple[PortPool, ...]:
    goal: Backend = server.backend
    if facts.workload.sources:
        return tuple(by_goal.get(pool_key("", goal, facts.workload.bind_mode)[1:], ()))
    sources = goal.sources or (facts.routed.get(goal.address, ""),)
    keys = (pool_key(source, goal, facts.workload.bind_mode) for source in sources)
    return tuple(by_key[key] for key in keys if key in by_key)


def _of_section(section: Section, members: list[_Member]) -> Iterator[Group]:
    if members[0].pools[0].mode is BindMode.BIND:
        yield from _bound(section, members)
    elif section.moves_on:
        yield from _together(section, members)
    else:
        yield from _by_backend(section, members)


def _bound(section: Section, members: list[_Member]) -> Iterator[Group]:
    """Yield a group for each family: bind() takes a port of the source whatever the backend."""
    whole = sum(member.server.weight for member in members) + _portless(section)
    by_family: dict[int, list[_Member]] = {}
    for member in members:
        by_family.setdefault(_family(member.pools[0]), []).append(member)
    for family, of in by_family.items():
        part = Fraction(sum(member.server.weight for member in of), whole)
        once = _once(pool for member in of for pool in member.pools)
        yield Group(section.name, family, once, part, section.name, Scope.SECTION)


def _portless(section: Section) -> int:
    return sum(other.weight for other in section.portless)


def _together(section: Section, members: list[_Member]) -> Iterator[Group]:
    """Yield one group of all servers, or one for each source where the sources have shares of their own."""
    shares = members[0].server.shares
    goals = {str(member.server.backend) for member in members}
    name, scope = (goals.pop(), Scope.BACKEND) if len(goals) == 1 else (section.name, Scope.SECTION)
    pools = {id(pool): pool for member in members for pool in member.pools}
    if len(set(shares)) > 1:
        for source, share in zip(members[0].server.backend.sources, shares, strict=True):
            own = tuple(pool for pool in pools.values() if pool.source == source)
            if own and share:
                yield Group(f"{name} from {source}", _family(own[0]), own, share, section.name, scope)
        return
    capped = [member.most for member in members if member.most is not None and member.most <= member.room]
    most = sum(capped) if len(capped) == len(members) else None
    filled = min(sum(member.room for member in members), sum(map(room, pools.values()))) if capped else None
    family = _family(members[0].pools[0])
    yield Group(name, family, tuple(pools.values()), Fraction(1), section.name, scope, most, filled)


def _by_backend(section: Section, members: list[_Member]) -> Iterator[Group]:
    """Yield a group for each backend: the lines that lead to it, by its several sources."""
    sharing = [member for member in members if not member.server.backup] or members
    whole = sum(member.server.weight for member in sharing) + _portless(section) or len(sharing)
    weights = {member.server.weight or 1 for member in sharing} | {other.weight for other in section.portless}
    of_weight = {weight: Fraction(weight, whole) for weight in weights}
    shares = [of_weight[member.server.weight or 1] for member in sharing]
    kinds = Counter((member.server.weight or 1, member.most) for member in sharing)
    kinds.update((other.weight, other.most.most if other.most else None) for other in section.portless)
    classes = Classes()
    if any(most is not None for _, most in kinds):
        classes = Classes((of_weight[weight], most, count) for (weight, most), count in kinds.items())
    by_backend: dict[str, list[tuple[Fraction, _Member]]] = {}
    for share, member in zip(shares, sharing, strict=True):
        by_backend.setdefault(str(member.server.backend), []).append((share, member))
    for name, of in by_backend.items():
        part = sum((share for share, _ in of[1:]), of[0][0])
        pools = tuple({id(pool): pool for _, member in of for pool in member.pools}.values())
        rates = {member.room / share for share, member in of} if len(of) > 1 else set()
        filled = int(min(rates) * part) if len(rates) > 1 else None
        capped = [member.most for _, member in of if member.most is not None]
        most = sum(capped) if len(capped) == len(of) else None
        yield Group(name, _family(pools[0]), pools, part, section.name, most=most, filled=filled, classes=classes)
