"""The smallest numbers that carry the target: hosts first, then source addresses, then memory.

A tier that has one host, one source address or one GiB less than what is found no longer carries. Tiers depend on
each other only by the number of backends, and by the shares of tiers that stand side by side: from the last to the
first each is made as small as it can be, until nothing changes any more. A tier gets the hosts, too, that tiers
whose own are given need as destinations, or to share with.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from fractions import Fraction

from hosttune.errors import UsageError
from hosttune.model import Bottleneck, Tier, Topology
from hosttune.planning.sizing import flow, tier_size
from hosttune.planning.sizing.role import Role
from hosttune.planning.sizing.size_host import carries, short, size, with_tier

GIB = 2**30
_MOST = {"hosts": 100_000, "sources": 65_536, "memory": 65_536}
"""Where the search ends: no plan is larger, in hosts, source addresses of a host and GiB."""

_ROUNDS = 64

Demand = Mapping[str, Fraction]


def solve(topology: Topology, roles: Mapping[str, Role]) -> Topology:
    """Return the topology with every open number found; raises UsageError where none would do, and says why."""
    now = dataclasses.replace(topology, tiers=tuple(_begin(tier) for tier in topology.tiers))
    for _ in range(_ROUNDS):
        before = now
        for tier in reversed(now.tiers):
            now = with_tier(now, _smallest(now, now.tier(tier.name), roles))
        if now == before:
            return now
    raise UsageError(
        f"{topology.origin or topology.name}: the numbers of tiers that share connections depend on each other without "
        "end; give the hosts of one of them"
    )


def _begin(tier: Tier) -> Tier:
    """Return a tier to start from: the least of what is to be found."""
    for name in sorted(tier.open):
        tier = _having(tier, name, tier.spare + 1 if name == "hosts" else 1)
    return tier


def _having(tier: Tier, name: str, count: int) -> Tier:
    """Return the tier with so many hosts, source addresses or GiB."""
    if name == "hosts":
        return dataclasses.replace(tier, hosts=count)
    return (
        dataclasses.replace(tier, sources=count) if name == "sources" else dataclasses.replace(tier, memory=count * GIB)
    )


def _smallest(topology: Topology, tier: Tier, roles: Mapping[str, Role]) -> Tier:
    """Return the tier with its open numbers as small as they can be, given all other tiers."""
    left = _left(topology, tier, roles) if "hosts" in tier.open else {}

    def enough(candidate: Tier) -> bool:
        changed = with_tier(topology, candidate)
        demand = flow.demands(changed)
        if not carries(changed, tier_size.plan(changed, candidate, roles[candidate.role], demand[candidate.name])):
            return False
        return all(_short(changed, other, roles, demand) <= ids for other, ids in left.items())

    tier = _widest(tier)
    for name in ("hosts", "sources", "memory"):
        if name in tier.open:
            tier = _least(topology, tier, name, enough, roles)
    return tier


def _short(topology: Topology, tier: Tier, roles: Mapping[str, Role], demand: Demand) -> frozenset[str]:
    return short(topology, tier_size.plan(topology, tier, roles[tier.role], demand[tier.name]))


def _widest(tier: Tier) -> Tier:
    """Return a tier with all that it may yet be given, but for hosts."""
    for name in tier.open - {"hosts"}:
        tier = _having(tier, name, _MOST[name])
    return tier


def _left(topology: Topology, tier: Tier, roles: Mapping[str, Role]) -> dict[Tier, frozenset[str]]:
    """Return by tier of given hosts what no number of hosts of this one fixes there.

    Tiers that dial it have a pool more for each of its hosts, and those that share connections with it a smaller share.
    """
    many = with_tier(topology, _having(_widest(tier), "hosts", _MOST["hosts"]))
    demand = flow.demands(many)
    fixed = (_widest(t) for t in topology.tiers if t.name != tier.name and "hosts" not in t.open)
    return {t: _short(many, t, roles, demand) for t in fixed}


def _least(
    topology: Topology, tier: Tier, name: str, enough: Callable[[Tier], bool], roles: Mapping[str, Role]
) -> Tier:
    """Return the tier with the least of one number that is enough, by halving; `enough` only grows with it."""

    def having(count: int) -> Tier:
        return _having(tier, name, count)

    low = tier.spare + 1 if name == "hosts" else 1
    high = low
    while high < _MOST[name] and not enough(having(high)):
        low, high = high + 1, min(high * 2, _MOST[name])
    if not enough(having(high)):
        raise UsageError(_why(topology, having(high), roles))
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(having(middle)) else (middle + 1, high)
    return having(low)


def _why(topology: Topology, tier: Tier, roles: Mapping[str, Role]) -> str:
    """Say what stands in the way, however many there are."""
    sizing = size(with_tier(topology, tier), roles)
    plan = sizing.plan(tier.name)
    own = [p for p in sizing.bottlenecks if p.tier == tier.name and (topology.below_knee or not p.knee)]
    least = min(own, key=_where, default=None)
    limit = "nothing is known"
    if least is not None:
        limit = f"{least.bound.name} {'is slow above' if least.knee else 'ends at'} {least.connections:,}"
    slow = next((b for t, b in sizing.rates if t == tier.name), None)
    if slow is not None:
        limit = f"{slow.name} accepts {slow.hard:,}/s a host, and the target is {plan.workload.rate:,}/s"
    return (
        f"{topology.origin or topology.name}: [tier.{tier.name}]: no number of {' and '.join(sorted(tier.open))} "
        f"reaches {topology.connections:,} connections: {limit}"
    )


def _where(place: Bottleneck) -> int:
    return place.connections
