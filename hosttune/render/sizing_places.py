"""Where a plan stalls or slows, in words: the answer, which of the places decides it, what is too slow."""

from __future__ import annotations

from collections.abc import Iterator

from hosttune.model import Bottleneck, Sizing
from hosttune.model.document import Callout, Fact
from hosttune.model.roles import Role
from hosttune.render.figures import counted, percent

_OTHERS = 3  # places beside the one that decides


def stalls(sizing: Sizing) -> list[Bottleneck]:
    """Return the places where it refuses, the narrowest first."""
    return sorted((p for p in sizing.bottlenecks if not p.knee), key=lambda p: p.connections)


def slows(sizing: Sizing) -> list[Bottleneck]:
    """Return the places where it slows, the narrowest first."""
    return sorted((p for p in sizing.bottlenecks if p.knee), key=lambda p: p.connections)


def of_host(sizing: Sizing, place: Bottleneck) -> str:
    """Return what a place is of one host where that is another number than of all, such as "6 hosts of 200,000"."""
    own = place.bound.knee if place.knee else place.bound.hard
    if not isinstance(own, int) or own == place.connections:
        return ""
    return f"{counted(sizing.plan(place.tier).tier.serving, 'host')} of {own:,}"


def where(sizing: Sizing, place: Bottleneck) -> str:
    """Return the tier and the bound of a place, and what it is of one host."""
    each = of_host(sizing, place)
    return name(place) + (f", {each}" if each else "")


def name(place: Bottleneck) -> str:
    """Return the tier and the bound of a place; a bound that names the tier itself does so once."""
    return f"{place.tier}: {place.bound.name.removesuffix(f' of {place.tier}')}"


def bound_name(place: Bottleneck) -> str:
    """Return the bound of a place without its tier."""
    return name(place).partition(": ")[2]


def narrowest(sizing: Sizing) -> Bottleneck | None:
    """Return the place that the answer names: where it refuses first, or where it slows if that comes before."""
    target, slow = sizing.topology.connections, slows(sizing)[:1]
    first = next(iter(stalls(sizing)), None)
    slowed = [place for place in slow if place.connections < target and sizing.topology.below_knee]
    refused = first is not None and first.connections * (1 - sizing.topology.headroom) < target
    return first if refused or not slowed else slowed[0]


def answer(sizing: Sizing) -> Callout:
    """Return whether the target is reached, and what decides that."""
    aim, hard, slow = sizing.topology, stalls(sizing), slows(sizing)
    target = f"{aim.connections:,} connections, {aim.rate:,}/s"
    knee = slow[0] if slow and slow[0].connections < aim.connections else None
    first = hard[0] if hard else None
    left = 1 - aim.headroom
    if first and first.connections * left < aim.connections:
        short = " with its headroom" if first.connections >= aim.connections else ""
        return Callout(f"NOT READY for {target}{short}", (), Role.BAD, tuple(_refused(sizing, first, knee)))
    facts = [Fact("limit", f"{first.connections:,} connections: {where(sizing, first)}")] if first else []
    slowed = [*_slowed(sizing, knee), *_also(sizing, slow[1:])] if knee else []
    if knee and aim.below_knee:
        return Callout(f"SLOW for {target}", (), Role.DRIFT, (*slowed, *facts))
    if sizing.rates:
        return Callout(f"TOO SLOW for {target}", (), Role.BAD, (Fact("rate", rate(sizing, 0)), *facts))
    if sizing.carried:
        unknown = f" ({counted(len(sizing.unknown), 'limit')} unknown)" if sizing.unknown else ""
        return Callout(f"READY for {target}{unknown}", (), Role.GOOD, (*facts, *slowed))
    if tight := _tight(sizing):
        return Callout(f"NOT READY for {target} with its headroom", (), Role.BAD, (Fact("limit", tight), *facts))
    unknown = f": {counted(len(sizing.unknown), 'limit')} unknown" if sizing.unknown else ""
    return Callout(f"UNKNOWN whether ready for {target}{unknown}", (), Role.UNKNOWN, tuple(facts))


def _refused(sizing: Sizing, first: Bottleneck, knee: Bottleneck | None) -> Iterator[Fact]:
    """Yield where it refuses first, how that shows there, and where it slows before."""
    aim, bound = sizing.topology, first.bound
    kept = int(first.connections * (1 - aim.headroom))
    free = f", of which {kept:,} with {percent(aim.headroom)} left free" if first.connections >= aim.connections else ""
    yield Fact("limit", f"{first.connections:,} connections: {where(sizing, first)}{free}")
    if knee and knee.connections < first.connections:
        yield from _slowed(sizing, knee)
    if shows := "; log: ".join(part for part in (bound.fails, bound.log) if part):
        yield Fact("shows as", shows)
    if fix := _fix(sizing, first):
        yield Fact("needs", fix)


def _slowed(sizing: Sizing, place: Bottleneck) -> Iterator[Fact]:
    yield Fact("slow above", f"{place.connections:,} connections: {where(sizing, place)}")


def _tight(sizing: Sizing) -> str:
    """Return the bound of a host that holds its share, and not the headroom beside it; "" where there is none."""
    left = 1 - sizing.topology.headroom
    for plan in sizing.tiers:
        for bound in plan.bounds:
            rated = bound.unit != "connections"
            want = plan.workload.rate if rated else plan.workload.connections
            if isinstance(bound.hard, int) and bound.hard * left < want:
                unit = "new connections/s" if rated else "connections"
                kept = f"{percent(sizing.topology.headroom)} must stay free"
                does = f"do for {int(bound.hard * left):,} of {want:,}"
                return f"{plan.tier.name}: {bound.name}: {bound.hard:,} {unit} a host, of which {kept}, {does}"
    return ""


def _also(sizing: Sizing, slow: list[Bottleneck]) -> Iterator[Fact]:
    """Yield the other places that slow before the target."""
    slower = [f"{p.connections:,}: {name(p)}" for p in slow if p.connections < sizing.topology.connections]
    more = f" and {len(slower) - _OTHERS:,} more" if len(slower) > _OTHERS else ""
    if slower:
        yield Fact("slow above", f"{'; '.join(slower[:_OTHERS])}{more}")


def _fix(sizing: Sizing, place: Bottleneck) -> str:
    """Return what raises the bound of hosts that exist; of planned ones it is for the plan to say."""
    tier = sizing.plan(place.tier).tier
    real = tier.reports or tier.snapshots
    return place.bound.raised_by if real and place.bound.remedies else ""


def rate(sizing: Sizing, number: int) -> str:
    """Return one of the bounds that are below the target rate."""
    tier, bound = sizing.rates[number]
    load = sizing.plan(tier).workload
    each = f"{bound.hard:,} new connections/s of {load.rate:,} a host" if isinstance(bound.hard, int) else "not enough"
    return f"{tier}: {bound.name}: {each}" + (f"; {bound.fails}" if bound.fails else "")
