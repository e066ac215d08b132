"""New connections a second: a tuple that was closed is kept for a while (net/ipv4/tcp_ipv4.c tcp_twsk_unique)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from fractions import Fraction

from hosttune.capacity import closing, ranges, tuples
from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.sharing import Group
from hosttune.model import BindMode, Bound, Remedy, Scope, Unknown

_NAMED = 3  # backends in a note


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the rate of each backend's tuples, and of all: the side that closes first keeps them."""
    return ranges.with_most(facts, tuples.pools(facts), _bounds)


def _bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    if not facts.workload.tuples_per_connection:
        return ()
    groups = tuples.now(facts)
    remedies = tuples.remedies(facts) if facts.workload.hold else ()
    if not facts.pools:
        return tuple(
            of_groups(facts, (g,), "one backend from one address", Scope.POOL, remedies=remedies) for g in groups
        )
    total = of_groups(facts, groups, "towards all backends", Scope.ALL, remedies=remedies)
    if facts.pools[0].mode is BindMode.BIND and not groups[0].section:
        return (total,)
    return (total, *_alike(facts, groups, remedies))


def _alike(facts: CapacityFacts, groups: Sequence[Group], remedies: tuple[Remedy, ...]) -> Iterator[Bound]:
    """Yield the bound of each group; what is reckoned of one is that of all that are alike."""
    made: dict[tuple[object, ...], Bound] = {}
    for group in groups:
        name = group.of or group.name
        first = made.get(group.alike)
        if first is None:
            made[group.alike] = first = of_groups(facts, (group,), name, group.scope, name, remedies)
        yield dataclasses.replace(first, name=f"TIME_WAIT, {name}", of=name)


def of_groups(
    facts: CapacityFacts,
    groups: tuple[Group, ...],
    where: str,
    scope: Scope,
    of: str = "",
    remedies: tuple[Remedy, ...] = (),
) -> Bound:
    """Return the rate at which these groups' tuples can be opened and closed, by this end, for ever."""
    times = [tuples.kept(facts, g) for g in groups]
    spare = _spare(facts, groups)
    hard: int | Unknown | None = _rate(facts, groups, times) if all(times) and spare is None else None
    reuse = facts.integer("net.ipv4.tcp_tw_reuse")
    notes = [
        f"a closed connection keeps its port for {max(times) / 1000:g} s"
        if all(times)
        else "the port of a closed connection is free at once"
    ]
    ending = closing.rate(facts.workload, facts.workload.connections)
    if hard is not None and isinstance(reuse, Unknown) and max(times) == tuples.TIME_WAIT:
        hard = reuse if ending else None
    if isinstance(hard, int) and ending <= hard:
        # fewer end than begin while the number still grows; what stays leaves no TIME_WAIT
        notes.append(f"{hard:,} connections/s if they are closed at this end; {float(ending):,.0f}/s are")
        hard = None
    if spare is not None and all(times):
        few = (
            f"no more than {facts.integer(tuples.BUCKETS):,} closed connections stay in TIME_WAIT (tcp_max_tw_buckets)"
        )
        notes.append(f"{few}: no limit of the rate while no more than {spare:,} connections are open")
    notes += _stamps(facts, groups, times)
    shared = groups[0].pools[0].mode is BindMode.BIND
    return Bound(
        kind="churn",
        name=f"TIME_WAIT, {where}",
        hard=hard,
        reads="ip_local_port_range, tcp_tw_reuse, tcp_tw_reuse_delay, tcp_timestamps, tcp_max_tw_buckets",
        fails="bind: EADDRINUSE (98)" if shared else "connect: EADDRNOTAVAIL (99)",
        remedies=remedies if isinstance(hard, int) and hard < facts.workload.rate else (),
        notes=tuple(notes),
        counter="/proc/net/sockstat: tw; /proc/net/netstat TcpExt: TWRecycled, TCPTimeWaitOverflow",
        unit="connections/s",
        scope=scope,
        of=of,
    )


def _spare(facts: CapacityFacts, groups: tuple[Group, ...]) -> int | None:
    """Return how many connections may be open where closed ones never take all ports; None where they can."""
    spare = []
    for group in groups:
        most = tuples.buckets(facts, group)
        if most is None or most >= group.room:
            return None
        spare.append(int((group.room - most) / (group.part * facts.workload.tuples_per_connection)))
    return min(spare, default=None)


def _stamps(facts: CapacityFacts, groups: tuple[Group, ...], times: list[int]) -> tuple[str, ...]:
    """Say what the other ends' timestamps have to do with it, without which no tuple is taken over."""
    poor = [str(pool.backend) for group in groups for pool in group.pools if pool.stamps is False]
    if poor:
        named = ", ".join(dict.fromkeys(poor[:_NAMED])) + " and others" * (len(set(poor)) > _NAMED)
        return (f"{named} has no TCP timestamps: its ports are not reused before that",)
    if max(times) == tuples.TIME_WAIT or all(pool.stamps for group in groups for pool in group.pools):
        return ()
    slow = _rate(facts, groups, [tuples.TIME_WAIT] * len(groups))
    return (f"if the other end has TCP timestamps, which no connection shows yet: else {slow:,}/s",)


def _rate(facts: CapacityFacts, groups: tuple[Group, ...], times: list[int]) -> int:
    """Return how many can be opened a second; with bind() the narrower family is out of ports first."""
    per = facts.workload.tuples_per_connection
    rates = [Fraction(g.room * 1000, time * per) for g, time in zip(groups, times, strict=True)]
    if len(groups) > 1 and groups[0].pools[0].mode is not BindMode.BIND:
        return int(sum(rates))
    return int(min(rate / g.part for rate, g in zip(rates, groups, strict=True)))
