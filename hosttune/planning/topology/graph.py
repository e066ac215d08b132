"""Tiers as a graph: whether it goes in a circle, and the order in which connections run through it."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune.model.topology import Tier


def targets(tier: Tier) -> tuple[str, ...]:
    """Return the names of the tiers that a tier connects to, each once."""
    return tuple(dict.fromkeys(name for leg in tier.to for name in leg.tiers))


def cycle(tiers: Sequence[Tier]) -> tuple[str, ...]:
    """Return the names along a circle, its first one again at its end; () where there is none."""
    beyond = {tier.name: targets(tier) for tier in tiers}
    left = set(beyond)
    # what leads only to tiers that are in no circle is in none
    while free := {name for name in left if not left.intersection(beyond[name])}:
        left -= free
    if not left:
        return ()
    walk = [next(tier.name for tier in tiers if tier.name in left)]
    while walk[-1] not in walk[:-1]:
        walk.append(next(name for name in beyond[walk[-1]] if name in left))
    return tuple(walk[walk.index(walk[-1]) :])


def ordered(tiers: Sequence[Tier]) -> tuple[Tier, ...]:
    """Return the tiers of a graph without circles, each after all that connect to it, else as they came."""
    placed: list[Tier] = []
    left = list(tiers)
    while left:
        dialled = {name for tier in left for name in targets(tier)}
        first = next(tier for tier in left if tier.name not in dialled)
        placed.append(first)
        left = [tier for tier in left if tier is not first]
    return tuple(placed)
