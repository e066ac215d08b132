"""Source ports: how many connections the tuples towards the backends allow (net/ipv4/inet_hashtables.c)."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune.capacity import tuples
from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.tuples import Group
from hosttune.model import BindMode, Bound, Remedy, Scope, Unknown
from hosttune.model.programs import bare

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


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return a bound for each backend, and one for all; for one pool of the range where no backend was named."""
    if not facts.workload.tuples_per_connection:
        return ()
    if not facts.pools:
        return (_one_pool(facts),)
    groups = tuples.groups(facts.pools)
    remedies = tuples.remedies(facts)
    if facts.pools[0].mode is BindMode.BIND:
        # bind(src, 0) takes a port whatever the backend: a share of each backend would count the port once for each
        return (_total(facts, groups, remedies),)
    return (_total(facts, groups, remedies), *(of_group(facts, group, remedies) for group in groups))


def _total(facts: CapacityFacts, groups: Sequence[Group], remedies: tuple[Remedy, ...]) -> Bound:
    per = facts.workload.tuples_per_connection
    mode = facts.pools[0].mode
    pairs = sum(len(g.pools) for g in groups)
    where = f"{pairs} pair{'s' * (pairs > 1)} of source address and backend"
    if mode is BindMode.BIND:
        where = f"{pairs} source address{'es' * (pairs > 1)}, whatever the backend"
    hard = _sum(facts, groups, [g.room for g in groups])
    return Bound(
        kind="ports",
        name="source ports towards all backends",
        hard=hard,
        knee=_knee(facts, groups),
        used=sum(p.used for g in groups for p in g.pools) // per,
        reads=f"ip_local_port_range, reserved and held ports, sockets: {where}",
        fails=_FAILS[mode],
        remedies=remedies if facts.short(hard) else (),
        notes=(*_closing(facts, groups), *_shared(facts, groups), *_bind_first(facts), *_cost(facts, groups)),
        scope=Scope.ALL,
    )


def of_group(facts: CapacityFacts, group: Group, remedies: tuple[Remedy, ...] = ()) -> Bound:
    """Return the bound of the pools that one backend's connections go through, as connections of all backends."""
    sources = len(group.pools)
    share = int(1 / group.part)
    hard = tuples.carries(facts, group, group.room)
    even = (f"reckoned for all {share} backends, sharing evenly",) if share > 1 else ()
    return Bound(
        kind="ports",
        name=f"ports {group.name}",
        hard=hard,
        knee=_knee(facts, (group,)),
        used=sum(p.used for p in group.pools) * share // facts.workload.tuples_per_connection,
        reads=f"{group.room:,} ports from {sources} source address{'es' * (sources > 1)}",
        fails=_FAILS[group.pools[0].mode],
        remedies=remedies if facts.short(hard) else (),
        notes=(*even, *_closing(facts, (group,)), *_cost(facts, (group,))),
        scope=Scope.BACKEND,
        of=group.name,
    )


def _one_pool(facts: CapacityFacts) -> Bound:
    """Without backends only the size of one pool is known: one source address towards one backend."""
    pools = tuples.pools(facts)
    groups = tuples.groups(pools)
    hard: int | Unknown | None
    if groups:
        hard = tuples.carries(facts, groups[0], groups[0].room)
    else:
        span = tuples.range_now(facts)
        hard = span if isinstance(span, Unknown) else None
    return Bound(
        kind="ports",
        name="source ports, one backend from one address",
        hard=hard,
        knee=_knee(facts, groups),
        reads="net.ipv4.ip_local_port_range, ip_local_reserved_ports",
        fails=_FAILS[facts.workload.bind_mode],
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
        return "name the backends with --backend HOST:PORT to have the tuples counted"
    named = ", ".join(str(backend) for backend in facts.workload.backends[:_NAMED])
    return f"the tuples towards {named} are not counted: no source address here reaches it (ip route get ADDRESS)"


def _knee(facts: CapacityFacts, groups: Sequence[Group]) -> int | None:
    """Return the connections from which connect() is slow, the tuples of closed ones beside them."""
    if not groups or any(g.knee is None for g in groups):
        return None
    return _sum(facts, groups, [g.knee or 0 for g in groups]) or None


def _sum(facts: CapacityFacts, groups: Sequence[Group], ports: Sequence[int]) -> int:
    """Return what all groups carry together, where each gets as much as it has room for.

    With bind() the groups are families, which share no ports, and the narrower one is full first.
    """
    each = [tuples.carries(facts, g, count) for g, count in zip(groups, ports, strict=True)]
    if groups[0].pools[0].mode is BindMode.BIND:
        return min(each)
    return max(sum(int(n * g.part) for n, g in zip(each, groups, strict=True)), min(each))


def _closing(facts: CapacityFacts, groups: Sequence[Group]) -> tuple[str, ...]:
    kept = sum(tuples.waiting(facts, g) for g in groups)
    return (f"at the wanted load connections that were closed keep {kept:,} tuples",) if kept else ()


def _shared(facts: CapacityFacts, groups: Sequence[Group]) -> tuple[str, ...]:
    backends = len({str(p.backend) for p in facts.pools})
    if facts.pools[0].mode is not BindMode.BIND or backends < 2:
        return ()
    return (f"with IP_BIND_ADDRESS_NO_PORT each of the {backends} backends would have them all",)


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
    return (f"{them}, has these ports once for all {len(backends)} backends: --bind-mode bind",)


def _cost(facts: CapacityFacts, groups: Sequence[Group]) -> tuple[str, ...]:
    """Say what a connect() costs beyond the knee: it looks at every taken port of the first half before a free one."""
    most = max((p.knee or 0 for g in groups for p in g.pools), default=0)
    knee = _knee(facts, groups)
    if knee is None or knee >= facts.workload.connections or not most:
        return ()
    each = most * _SEARCH
    busy = each * facts.workload.rate * facts.workload.tuples_per_connection / 1e9
    searched = f"beyond the knee a new connection searches {most:,} ports, about {each / 1e6:,.2f} ms"
    return (f"{searched}: {busy:,.1f} CPUs at {facts.workload.rate:,}/s",)
