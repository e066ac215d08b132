"""Source ports: how many connections the tuples towards the backends allow (net/ipv4/inet_hashtables.c)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TypedDict

from hosttune.capacity import logs, nat_pools, ranges, refused, sharing, tuples
from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.sharing import Group
from hosttune.model import BindMode, Bound, PortPool, Reason, Remedy, Scope, Section, Unknown
from hosttune.model.programs import bare, known_as

_FAILS = {
    BindMode.CONNECT: "connect: EADDRNOTAVAIL (99)",
    BindMode.NO_PORT: "connect: EADDRNOTAVAIL (99)",
    BindMode.BIND: "bind: EADDRINUSE (98)",
    BindMode.EXPLICIT: "bind: EADDRINUSE (98), or connect: EADDRNOTAVAIL (99)",
}
_ERLANG = "beam.smp"  # the process of every Erlang program
_NAMED = 3
_SEARCH = 60
"""Nanoseconds for each taken port that connect() looks at: 45 to 70 on 6.18, on ranges of 28,232 and 64,512."""


class _Shows(TypedDict):
    """How a bound is met: the call and its errno, and what the program writes."""

    fails: str
    log: str


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return a bound for each section and each backend, and one for all; for one pool where no backend was named."""
    return ranges.with_most(facts, tuples.pools(facts), _bounds)


def _bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    if not facts.workload.tuples_per_connection:
        return ()
    sections = facts.configuration.sections if facts.configuration else ()
    blind = tuple(_unknown(section) for section in sections if section.unknown and not section.servers)
    if not facts.pools:
        goals = facts.workload.backends or not facts.configuration
        return (*blind, _one_pool(facts)) if goals else blind
    groups = tuples.now(facts)
    remedies = tuples.remedies(facts)
    all_ = _total(facts, groups, remedies)
    if not groups[0].section and groups[0].pools[0].mode is BindMode.BIND:
        # bind(src, 0) takes a port whatever the backend: a share of each backend would count the port once for each
        return (all_,)
    return (all_, *_each(facts, groups, sections, remedies), *blind)


def _each(
    facts: CapacityFacts, groups: Sequence[Group], sections: Sequence[Section], remedies: tuple[Remedy, ...]
) -> Iterator[Bound]:
    """Yield a bound for each section where there are several, and one for each group of a section that has several."""
    by_section: dict[str, list[Group]] = {}
    for group in groups:
        by_section.setdefault(group.section, []).append(group)
    about = {section.name: section for section in sections}
    for name, own in by_section.items():
        section = about.get(name)
        if len(by_section) > 1 and name:
            yield _of_section(facts, own, section, remedies)
        if len(own) > 1 or len(by_section) == 1 or not name:
            yield from _alike(facts, own, remedies, section)


def _alike(
    facts: CapacityFacts, groups: Sequence[Group], remedies: tuple[Remedy, ...], section: Section | None
) -> Iterator[Bound]:
    """Yield the bound of each group; what is reckoned of one is that of all that are alike."""
    made: dict[tuple[object, ...], Bound] = {}
    for group in groups:
        first = made.get(group.alike)
        if first is None:
            made[group.alike] = first = of_group(facts, group, remedies, section)
        name = group.of or group.name
        yield dataclasses.replace(first, name=f"ports {name}", of=name)


def _total(facts: CapacityFacts, groups: Sequence[Group], remedies: tuple[Remedy, ...]) -> Bound:
    per = facts.workload.tuples_per_connection
    mode = facts.pools[0].mode
    pools = len(facts.pools)
    where = f"{pools:,} pair{'s' * (pools > 1)} of source address and backend"
    if mode is BindMode.BIND:
        where = f"{pools:,} source address{'es' * (pools > 1)}, whatever the backend"
    hard = _sum(facts, groups, [g.room for g in groups])
    knee, through = _knee(facts, groups), nat_pools.total(facts)
    if through and through[0] < hard:
        hard, knee = through[0], knee if knee is not None and knee < through[0] else None
    sections = facts.configuration.sections if facts.configuration else ()
    return Bound(
        kind="ports",
        name="source ports towards all backends",
        hard=hard,
        knee=knee,
        used=sum(p.used for p in facts.pools) // per,
        reads=f"ip_local_port_range, reserved and held ports, sockets: {where}",
        **_shows(facts, mode, facts.pools),
        remedies=refused.remedies(facts.pools, remedies) if facts.short(hard) else (),
        notes=(
            *ranges.held(facts.pools),
            *_closing(facts, groups),
            *_shared(facts, groups),
            *_bind_first(facts),
            *((f"{through[0]:,} through the rules of source NAT on this host",) if through else ()),
            *_cost(facts, groups),
            *(note for section in sections for note in _about(section)),
        ),
        scope=Scope.ALL,
        most=through[1] if through and through[1] > hard else None,
    )


def _of_section(
    facts: CapacityFacts, groups: Sequence[Group], section: Section | None, remedies: tuple[Remedy, ...]
) -> Bound:
    """Return the bound of one section by itself, each of its backends as full as it can be."""
    hard = _sum(facts, groups, [g.room for g in groups])
    pools = [pool for group in groups for pool in group.pools]
    name = groups[0].section
    return Bound(
        kind="ports",
        name=f"ports {name}",
        hard=hard,
        knee=_knee(facts, groups),
        used=sum(p.used for p in pools) // facts.workload.tuples_per_connection,
        reads=f"{sum(g.room for g in groups):,} ports of {len(pools):,} pair{'s' * (len(pools) > 1)} of source and "
        "backend",
        **_shows(facts, pools[0].mode, pools),
        remedies=refused.remedies(pools, remedies) if facts.short(hard) else (),
        notes=(
            "if all connections go to it",
            *_closing(facts, groups),
            *_cost(facts, groups),
            *(_about(section) if section else ()),
        ),
        scope=Scope.SECTION,
        of=name,
    )


def _about(section: Section) -> tuple[str, ...]:
    """Return what a reader of a section's numbers has to know."""
    unknown = tuple(f"not counted: {reason}" for reason in section.unknown[:_NAMED])
    more = len(section.unknown) - len(unknown)
    rest = (f"and {more:,} more that are not counted",) if more > 0 else ()
    uneven = (f"{section.name} at most: {section.uneven}",) if section.uneven else ()
    return (*uneven, *((section.growing,) if section.growing else ()), *unknown, *rest)


def _unknown(section: Section) -> Bound:
    """Return the bound of a section of which no server can be counted."""
    reasons = "; ".join(section.unknown[:_NAMED])
    return Bound(
        kind="ports",
        name=f"ports {section.name}",
        hard=Unknown(Reason.UNDECIDED, reasons),
        reads=section.where,
        scope=Scope.SECTION,
        of=section.name,
    )


def of_group(
    facts: CapacityFacts, group: Group, remedies: tuple[Remedy, ...] = (), section: Section | None = None
) -> Bound:
    """Return the bound of the pools that fill together, as connections of all that share with them."""
    sources = len({pool.source for pool in group.pools})
    hard: int | Unknown | None = None
    notes = _share(group, section)
    if not group.limited:
        hard = group.of_section(tuples.carries(facts, group, group.fills))
    if group.limited:
        notes = (f"its servers are given {group.most:,} connections at most",)
    elif section and section.uneven and group.part < 1:
        least = tuples.carries(facts, dataclasses.replace(group, part=Fraction(1)), group.room)
        hard = Unknown(Reason.UNDECIDED, f"from {least:,} on: {section.uneven}")
    return Bound(
        kind="ports",
        name=f"ports {group.of or group.name}",
        hard=hard,
        knee=_knee(facts, (group,)) if isinstance(hard, int) else None,
        used=int(sum(p.used for p in group.pools) / group.part / facts.workload.tuples_per_connection),
        reads=f"{group.room:,} ports from {sources} source address{'es' * (sources > 1)}",
        **_shows(facts, group.pools[0].mode, group.pools),
        remedies=refused.remedies(group.pools, remedies) if facts.short(hard) else (),
        notes=(*notes, *ranges.held(group.pools), *_closing(facts, (group,)), *_cost(facts, (group,))),
        scope=group.scope,
        of=group.of or group.name,
    )


def _shows(facts: CapacityFacts, mode: BindMode, pools: Sequence[PortPool] = ()) -> _Shows:
    """Return how the ports of a way of binding run out: a program may have several, and a line for each."""
    line = facts.once(
        f"log ports {mode}", lambda: logs.log_line(known_as(facts.programs, facts.dialler), "ports", mode)
    )
    return {"fails": refused.fails(pools) or _FAILS[mode], "log": line}


def _share(group: Group, section: Section | None) -> tuple[str, ...]:
    """Return how the bound of one backend was made that of all who share."""
    if group.part == 1:
        return ()
    among = f" of {section.name}" if section and section.name else ""
    if group.part.numerator == 1 and not group.classes:
        return (f"reckoned for all {group.part.denominator:,} backends{among}, sharing evenly",)
    return (f"reckoned for all backends{among}; {float(100 * group.part):.3g} % of the connections go here",)


def _one_pool(facts: CapacityFacts) -> Bound:
    """Without backends only the size of one pool is known: one source address towards one backend."""
    groups = tuples.now(facts)
    hard: int | Unknown | None
    if groups:
        hard = tuples.carries(facts, groups[0], groups[0].room)
    else:
        span = tuples.range_now(facts)
        hard = span if isinstance(span, Unknown) else None
    return Bound(
        kind="ports",
        name="source ports to one backend",
        hard=hard,
        knee=_knee(facts, groups),
        reads="net.ipv4.ip_local_port_range, ip_local_reserved_ports",
        **_shows(facts, facts.workload.bind_mode),
        remedies=tuples.remedies(facts) if facts.short(hard) else (),
        notes=(
            _why_one(facts),
            *_closing(facts, groups),
            *_cost(facts, groups),
        ),
        scope=Scope.POOL,
    )


def _why_one(facts: CapacityFacts) -> str:
    """Return what would have the tuples counted: a backend, or a way to it."""
    if not facts.workload.backends:
        return "give the backends (--backend HOST:PORT) to have their ports counted"
    named = ", ".join(str(backend) for backend in facts.workload.backends[:_NAMED])
    return f"the ports towards {named} are not counted: no source address here reaches it (ip route get ADDRESS)"


def _knee(facts: CapacityFacts, groups: Sequence[Group]) -> int | None:
    """Return the connections from which connect() is slow, the tuples of closed ones beside them."""
    every = groups is tuples.now(facts)
    return facts.once("knee", lambda: _knee_of(facts, groups)) if every else _knee_of(facts, groups)


def _knee_of(facts: CapacityFacts, groups: Sequence[Group]) -> int | None:
    if not groups or any(g.knee is None for g in groups):
        return None
    return _sum(facts, groups, [g.knee or 0 for g in groups]) or None


def _sum(facts: CapacityFacts, groups: Sequence[Group], ports: Sequence[int]) -> int:
    """Return what all groups carry together, where each gets as much as it has room for."""
    carried: dict[tuple[object, ...], int] = {}
    for group, count in zip(groups, ports, strict=True):
        if group.alike not in carried:
            carried[group.alike] = tuples.carries(facts, group, count)
    return sharing.total(facts, groups, [carried[group.alike] for group in groups])


def _closing(facts: CapacityFacts, groups: Sequence[Group]) -> tuple[str, ...]:
    kept = sum(tuples.waiting(facts, g) * count for g, count in sharing.kinds(groups))
    return (f"at the target rate closed connections keep {kept:,} ports",) if kept else ()


def _shared(facts: CapacityFacts, groups: Sequence[Group]) -> tuple[str, ...]:
    backends = len({str(p.backend) for p in facts.pools})
    if facts.pools[0].mode is not BindMode.BIND or backends < 2:
        return ()
    return (f"with IP_BIND_ADDRESS_NO_PORT each of the {backends:,} backends would have them all",)


def _bind_first(facts: CapacityFacts) -> tuple[str, ...]:
    """Say which programs have their ports once for all backends, where it is not known which program it is."""
    load, backends = facts.workload, {str(p.backend) for p in facts.pools}
    client = load.sockets_per_connection <= load.tuples_per_connection
    if load.bind_mode is not BindMode.CONNECT or not client or len(backends) < 2 or facts.settings:
        return ()
    named = bare(facts.process.name) if facts.process else ""
    if named not in ("", _ERLANG):
        return ()
    them = "a program that binds first, as Tsung does and Erlang tools that are given an address"
    return (f"{them}, has these ports once for all {len(backends):,} backends: --bind-mode bind",)


def _cost(facts: CapacityFacts, groups: Sequence[Group]) -> tuple[str, ...]:
    """Say what a connect() costs beyond the knee: it looks at every taken port of the first half before a free one."""
    most = max((p.knee or 0 for g in groups for p in g.pools), default=0)
    knee = _knee(facts, groups)
    if knee is None or knee >= facts.workload.connections or not most:
        return ()
    each = most * _SEARCH
    busy = each * facts.workload.rate * facts.workload.tuples_per_connection / 1e9
    searched = f"above {knee:,} each connect() scans up to {most:,} ports, about {each / 1e6:,.2f} ms"
    if busy < 0.05:
        return (searched,)  # 0.0 CPUs tell nothing
    return (f"{searched}: {busy:,.1f} CPUs at {facts.workload.rate:,}/s",)
