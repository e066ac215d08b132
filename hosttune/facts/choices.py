"""Pools of which a program has one of several, or none: marked as such, and taken together for what they carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hosttune.facts import any_address
from hosttune.facts.pairs import Pair
from hosttune.facts.routing import Choice
from hosttune.model import BindMode, PortPool


def marked(pools: Sequence[PortPool], ways: Sequence[Pair]) -> tuple[PortPool, ...]:
    """Return the pools with on what each depends; what the kernel refuses has no port."""
    if not any(way.when or way.refusal for way in ways):
        return tuple(pools)
    return tuple(_marked(pool, way) for pool, way in zip(pools, ways, strict=True))


def _marked(pool: PortPool, way: Pair) -> PortPool:
    if way.refusal:
        none = replace(pool, usable=0, free=0, free_most=0, knee=None)
        notes = (*pool.notes, way.refusal.why)
        return replace(none, usable_most=0, fails=way.refusal.fails, notes=notes, when=way.when)
    return replace(pool, when=way.when) if way.when else pool


def together(pools: Sequence[PortPool], ways: Sequence[Pair]) -> tuple[PortPool, ...]:
    """Return the pools, of those that a program has one of, or draws from, a single one with what it can be.

    By a rule it has the one or the other; from several next hops each connection draws, so that the first one that
    fails comes between a pool and all of them.
    """
    if not any(way.when for way in ways):
        return tuple(pools)
    groups: dict[tuple[object, ...], list[tuple[PortPool, Pair]]] = {}
    for pool, way in zip(pools, ways, strict=True):
        own = pool.source if way.choice is Choice.ALWAYS else ""
        groups.setdefault((str(pool.backend), pool.mode, own), []).append((pool, way))
    return tuple(_one_of(group) for group in groups.values())


def _one_of(group: Sequence[tuple[PortPool, Pair]]) -> PortPool:
    """Return the pool with the fewest ports, with those of the others as what it can have at most.

    All of them together where each connection draws.
    """
    pools = [pool for pool, _ in group]
    if len(pools) == 1:
        return pools[0]
    most = sum if any(way.choice is Choice.HOP for _, way in group) else max
    knees = [pool.knee for pool in pools if pool.knee is not None]
    least = min(pools, key=lambda pool: (_least(pool), pool.free))
    return replace(
        least,
        usable_most=max(most(pool.usable_most for pool in pools), least.usable),
        free_most=max(most(_most(pool) for pool in pools) - _open(least), least.free),
        knee=min(knees) if len(knees) == len(pools) else None,
        when=f"{' or '.join(_named(pool) for pool in pools)}, {group[-1][1].when}",
    )


def _named(pool: PortPool) -> str:
    return "none" if pool.fails and pool.source in any_address.ANY else pool.source


def _open(pool: PortPool) -> int:
    return pool.used if pool.mode is BindMode.BIND else pool.established


def _least(pool: PortPool) -> int:
    return max(pool.usable, _open(pool) + pool.free)


def _most(pool: PortPool) -> int:
    return max(pool.usable_most, _open(pool) + pool.free_most)
