"""New connections a second: a tuple that was closed is kept for a while (net/ipv4/tcp_ipv4.c tcp_twsk_unique)."""

from __future__ import annotations

from fractions import Fraction

from hosttune.capacity import closing, tuples
from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.tuples import Group
from hosttune.model import BindMode, Bound, Remedy, Scope, Unknown


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the rate of each backend's tuples, and of all: the side that closes first keeps them."""
    if not facts.workload.tuples_per_connection:
        return ()
    groups = tuples.groups(tuples.pools(facts))
    remedies = tuples.remedies(facts) if facts.workload.hold else ()
    if not facts.pools:
        return tuple(
            of_groups(facts, (g,), "one backend from one address", Scope.POOL, remedies=remedies) for g in groups
        )
    total = of_groups(facts, groups, "towards all backends", Scope.ALL, remedies=remedies)
    if facts.pools[0].mode is BindMode.BIND:
        return (total,)
    return (total, *(of_groups(facts, (g,), g.name, Scope.BACKEND, g.name, remedies) for g in groups))


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
    hard: int | Unknown | None = _rate(facts, groups, times) if all(times) else None
    reuse = facts.integer("net.ipv4.tcp_tw_reuse")
    notes = [
        f"a closed tuple is kept for {max(times) / 1000:g} s" if all(times) else "a closed tuple serves again at once"
    ]
    ending = closing.rate(facts.workload, facts.workload.connections)
    if hard is not None and isinstance(reuse, Unknown) and max(times) == tuples.TIME_WAIT:
        hard = reuse if ending else None
    if isinstance(hard, int) and ending <= hard:
        # fewer end than begin while the number still grows; what stays leaves no TIME_WAIT
        notes.append(f"{hard:,} connections/s if they are closed at this end; {float(ending):,.0f}/s are")
        hard = None
    if max(times) < tuples.TIME_WAIT:
        notes.append("needs TCP timestamps at the other end too")
    shared = groups[0].pools[0].mode is BindMode.BIND
    return Bound(
        kind="churn",
        name=f"TIME_WAIT, {where}",
        hard=hard,
        reads="ip_local_port_range, tcp_tw_reuse, tcp_tw_reuse_delay, tcp_timestamps",
        fails="bind: EADDRINUSE (98)" if shared else "connect: EADDRNOTAVAIL (99)",
        remedies=remedies if isinstance(hard, int) and hard < facts.workload.rate else (),
        notes=tuple(notes),
        counter="/proc/net/sockstat: tw; /proc/net/netstat TcpExt: TWRecycled",
        unit="connections/s",
        scope=scope,
        of=of,
    )


def _rate(facts: CapacityFacts, groups: tuple[Group, ...], times: list[int]) -> int:
    """Return how many can be opened a second; with bind() the narrower family is out of ports first."""
    per = facts.workload.tuples_per_connection
    rates = [Fraction(g.room * 1000, time * per) for g, time in zip(groups, times, strict=True)]
    if len(groups) > 1 and groups[0].pools[0].mode is not BindMode.BIND:
        return int(sum(rates))
    return int(min(rate / g.part for rate, g in zip(rates, groups, strict=True)))
