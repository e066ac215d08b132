"""The whole of a topology: its tiers, the bottlenecks where it stalls or slows, and what is to be heeded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from hosttune.capacity import order
from hosttune.model import Bottleneck, Bound, Scope, Sizing, Tier, TierPlan, Topology, Unknown
from hosttune.planning.sizing import cloud_limits, flow, heed, tier_size
from hosttune.planning.sizing.role import Role

_MEASURED = ("ports", "churn", "cloud", "nat")  # what a real host may not have reported, and the topology does

Real = Mapping[str, tuple[Bound, ...]]
"""Bounds of tiers whose hosts exist, by tier: of each id the weakest host's."""


def size(topology: Topology, roles: Mapping[str, Role], real: Real | None = None) -> Sizing:
    """Return what a topology carries; `roles` are by the role of a tier, every number is given.

    Where the hosts of a tier exist, their bounds count instead of those that are planned.
    """
    real = real or {}
    plans = _plans(topology, roles, real)
    every = [(plan, bound) for plan in plans for bound in plan.bounds]
    return Sizing(
        topology=topology,
        tiers=tuple(_with_alone(topology, roles, real, plans, plan) for plan in plans),
        bottlenecks=tuple(sorted(bottlenecks(plans), key=lambda bottleneck: bottleneck.knee)),
        rates=tuple((plan.tier.name, bound) for plan, bound in every if _too_slow(plan, bound)),
        unknown=tuple(
            (plan.tier.name, bound.name, bound.hard) for plan, bound in every if isinstance(bound.hard, Unknown)
        ),
        carried=all(carries(topology, plan) for plan in plans),
        clouds=tuple(line for plan in plans for line in _clouds(topology, roles, plan)),
        warnings=tuple(line for plan in plans for line in heed.lines(topology, plan)),
    )


def _clouds(topology: Topology, roles: Mapping[str, Role], plan: TierPlan) -> tuple[str, ...]:
    """Return what the provider of a tier does at its load."""
    return cloud_limits.lines(topology, plan, roles[plan.tier.role].clouds)


def _too_slow(plan: TierPlan, bound: Bound) -> bool:
    return bound.unit != "connections" and isinstance(bound.hard, int) and bound.hard < plan.workload.rate


def carries(topology: Topology, plan: TierPlan) -> bool:
    """Say whether every known bound of a tier holds its share with the headroom, and no knee is passed that must not.

    A tier without a host that serves carries nothing.
    """
    return bool(plan.tier.serving) and not short(topology, plan)


def short(topology: Topology, plan: TierPlan) -> frozenset[str]:
    """Return the ids of the bounds that do not hold the tier's share."""
    left, load = 1 - topology.headroom, plan.workload
    ids = set()
    for bound in plan.bounds:
        want = load.connections if bound.unit == "connections" else load.rate
        full = isinstance(bound.hard, int) and bound.hard * left < want
        if full or (topology.below_knee and bound.knee is not None and bound.knee < want):
            ids.add(bound.id)
    return frozenset(ids)


def bottlenecks(plans: tuple[TierPlan, ...]) -> tuple[Bottleneck, ...]:
    """Return where the whole stalls or slows, the narrowest first."""
    points = []
    for plan in plans:
        for bound in plan.bounds:
            if bound.unit != "connections":
                continue
            if isinstance(bound.hard, int):
                points.append(Bottleneck(plan.tier.name, bound, plan.whole(bound.hard)))
            if bound.knee is not None:
                points.append(Bottleneck(plan.tier.name, bound, plan.whole(bound.knee), knee=True))
    return tuple(sorted(points, key=lambda p: (p.connections, p.knee, p.tier, p.bound.id)))


def _plans(topology: Topology, roles: Mapping[str, Role], real: Real) -> tuple[TierPlan, ...]:
    demand = flow.demands(topology)
    plans = (tier_size.plan(topology, t, roles[t.role], demand[t.name]) for t in topology.tiers)
    return tuple(_as_is(plan, real[plan.tier.name]) if plan.tier.name in real else plan for plan in plans)


def _as_is(plan: TierPlan, bounds: tuple[Bound, ...]) -> TierPlan:
    """Return a tier's plan with the bounds of its real hosts; what only the topology knows stays."""
    counted = [b for b in bounds if b.scope is not Scope.POOL]
    have = {b.kind for b in counted}
    kept = [b for b in plan.bounds if b.kind == "cap" or (b.kind in _MEASURED and b.kind not in have)]
    return dataclasses.replace(plan, bounds=tuple(sorted((*counted, *kept), key=order)))


def _with_alone(
    topology: Topology, roles: Mapping[str, Role], real: Real, plans: tuple[TierPlan, ...], plan: TierPlan
) -> TierPlan:
    """Add what the whole carries where this tier dials from one address: what stops a benchmark first."""
    if not plan.hops or (plan.tier.sources or 1) == 1 or plan.tier.name in real:
        return plan
    single = dataclasses.replace(plan.tier, sources=1, sources_each=None)
    # no other tier's plan depends on its source addresses
    changed = tier_size.plan(
        with_tier(topology, single), single, roles[single.role], plan.factor * topology.connections
    )
    least = next((p for p in bottlenecks(tuple(changed if p is plan else p for p in plans)) if not p.knee), None)
    mine = least is not None and least.tier == plan.tier.name and least.bound.kind == "ports"
    return dataclasses.replace(plan, alone=least.connections if least and mine else None)


def with_tier(topology: Topology, tier: Tier) -> Topology:
    """Return the topology with one tier in the place of that of the same name."""
    return dataclasses.replace(topology, tiers=tuple(tier if t.name == tier.name else t for t in topology.tiers))
