"""How many connections run through each tier, from the first along the legs, evenly over hosts and ports."""

from __future__ import annotations

from fractions import Fraction

from hosttune.model import Leg, Tier, Topology


def demands(topology: Topology) -> dict[str, Fraction]:
    """Return the connections of each tier at the target: exact, for a share need not be a whole number."""
    shares = {tier.name: Fraction(0) for tier in topology.tiers}
    first = topology.first
    for tier in first:
        shares[tier.name] = Fraction(tier.connections if tier.connections is not None else topology.connections)
    for tier in topology.tiers:
        for leg in tier.to:
            every = backends(topology, leg)
            for name in leg.tiers:
                part = Fraction(_of_tier(topology.tier(name)), every) if every else Fraction(0)
                shares[name] += shares[tier.name] * leg.per * part
    return shares


def backends(topology: Topology, leg: Leg) -> int:
    """Return the destinations of a leg: every port of every host that serves."""
    return sum(_of_tier(topology.tier(name)) for name in leg.tiers)


def ends(topology: Topology, leg: Leg) -> tuple[str, ...]:
    """Return the tiers that connections of a leg are meant for: those behind one that only passes them on."""
    names: list[str] = []
    for name in leg.tiers:
        tier = topology.tier(name)
        names += [end for onward in tier.to for end in ends(topology, onward)] if tier.forwards else [name]
    return tuple(dict.fromkeys(names))


def destinations(topology: Topology, leg: Leg) -> int:
    """Return the destinations that connections of a leg are meant for."""
    return sum(_of_tier(topology.tier(name)) for name in ends(topology, leg))


def _of_tier(tier: Tier) -> int:
    return tier.serving * max(len(tier.ports), 1)
