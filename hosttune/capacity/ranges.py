"""Bounds of pools whose ports are known as a range only: the least is the bound, the greatest stands beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from hosttune.capacity.facts import CapacityFacts
from hosttune.model import BindMode, Bound, PortPool

Reckon = Callable[[CapacityFacts], tuple[Bound, ...]]


def greatest(pool: PortPool) -> PortPool:
    """Return a pool with the most ports that it can have."""
    return dataclasses.replace(pool, usable=pool.usable_most, free=pool.free_most)


def with_most(facts: CapacityFacts, pools: Sequence[PortPool], reckon: Reckon) -> tuple[Bound, ...]:
    """Return the bounds, and where the pools leave a range the greatest of each, with a note of what is not known."""
    bounds = reckon(facts)
    ranged = [pool for pool in pools if (pool.usable, pool.free) != (pool.usable_most, pool.free_most)]
    if not ranged:
        return bounds
    best = {bound.id: bound.hard for bound in reckon(dataclasses.replace(facts, optimistic=True))}
    return tuple(_widened(bound, best.get(bound.id), _why(ranged)) for bound in bounds)


def held(pools: Sequence[PortPool]) -> tuple[str, ...]:
    """Say how many ports of the fullest pool bound sockets hold, where they are a part that counts."""
    pool = max(pools, key=lambda pool: pool.blocked, default=None)
    if pool is None or pool.blocked * 20 < pool.in_range:
        return ()
    return (f"{pool.blocked:,} of {pool.in_range:,} ports are held by bound sockets: others' bind() keeps them",)


def _widened(bound: Bound, most: object, why: str) -> Bound:
    if not isinstance(bound.hard, int) or not isinstance(most, int) or most <= bound.hard:
        return bound
    return dataclasses.replace(bound, most=most, notes=(why, *bound.notes))


def _why(pools: Sequence[PortPool]) -> str:
    """Return what is not known of the pool with the widest range."""
    pool = max(pools, key=lambda pool: max(pool.usable_most - pool.usable, pool.free_most - pool.free))
    count = max(pool.usable_most - pool.usable, pool.free_most - pool.free)
    if pool.when:
        return f"not known: which source address a connection has: {pool.when}"
    if pool.mode is BindMode.EXPLICIT:
        return f"not known: whether the sockets on {count:,} ports set SO_REUSEADDR, and so let a bind() share them"
    if count == 1 and pool.in_range % 2:
        return "not known: whether the last port of an odd range is found, which is luck"
    return f"not known: whether a bind() owns {count:,} ports of other connections; connect() may not use those"
