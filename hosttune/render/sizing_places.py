"""Where a plan stalls or slows, in words: the answer, which of the places decides it, what is too slow."""

from __future__ import annotations

from hosttune.model import Bottleneck, Sizing
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


def answer(sizing: Sizing) -> list[str]:
    """Return whether the target is carried and what decides that; the first line is the answer, the others its why."""
    aim, hard, slow = sizing.topology, stalls(sizing), slows(sizing)
    knee = slow[0] if slow and slow[0].connections < aim.connections else None
    first = hard[0] if hard else None
    if first and first.connections < aim.connections:
        return _stalled(sizing, first, knee)
    if first and first.connections * (1 - aim.headroom) < aim.connections:
        kept = int(first.connections * (1 - aim.headroom))
        return [
            f"Short of headroom at {kept:,} connections: {where(sizing, first)}",
            f"it holds {first.connections:,}, of which {percent(aim.headroom)} shall stay free",
            *_beyond(sizing, knee),
        ]
    if knee and aim.below_knee:
        refuses = f"it refuses first at {first.connections:,}: {where(sizing, first)}" if first else ""
        sentence = f"Slow from {knee.connections:,} connections: {where(sizing, knee)}"
        return [sentence, *knee.bound.notes[-1:], *filter(None, (_also(sizing, slow[1:]), refuses))]
    if sizing.rates:
        return [f"Too slow for {aim.rate:,} new connections/s: {rate(sizing, 0)}", *_enough(sizing, first)]
    if sizing.carried:
        return [*_enough(sizing, first), *_beyond(sizing, knee)]
    tight = _tight(sizing)
    if tight:
        return [f"Short of headroom: {tight}", *_enough(sizing, first)]
    unseen = f": {counted(len(sizing.unknown), 'bound')} could not be told" if sizing.unknown else ""
    return [f"Whether it carries {aim.connections:,} connections is not known{unseen}"]


def _tight(sizing: Sizing) -> str:
    """Return the bound of a host that holds its share, and not the headroom beside it; "" where there is none."""
    left = 1 - sizing.topology.headroom
    for plan in sizing.tiers:
        for bound in plan.bounds:
            rated = bound.unit != "connections"
            want = plan.workload.rate if rated else plan.workload.connections
            if isinstance(bound.hard, int) and bound.hard * left < want:
                unit = "new connections/s" if rated else "connections"
                kept = f"{percent(sizing.topology.headroom)} shall stay free"
                does = f"do for {int(bound.hard * left):,} of {want:,}"
                return f"{plan.tier.name}: {bound.name}: {bound.hard:,} {unit} a host, of which {kept}, {does}"
    return ""


def _also(sizing: Sizing, slow: list[Bottleneck]) -> str:
    """Return the other places that slow before the target; "" where there are none."""
    slower = [f"{name(p)} from {p.connections:,}" for p in slow if p.connections < sizing.topology.connections]
    more = f" and {len(slower) - _OTHERS:,} more" if len(slower) > _OTHERS else ""
    return f"also slow: {', '.join(slower[:_OTHERS])}{more}" if slower else ""


def _stalled(sizing: Sizing, first: Bottleneck, knee: Bottleneck | None) -> list[str]:
    """Return where it stalls, how that shows there, and where it slows before."""
    bound = first.bound
    slow = f" (slow from {knee.connections:,})" if knee and knee.connections < first.connections else ""
    shows = "; log: ".join(part for part in (bound.fails, bound.log) if part)
    same = knee is not None and (knee.tier, knee.bound.id) == (first.tier, first.bound.id)
    slowness = [] if same else _beyond(sizing, knee) if slow else []
    return [
        f"Stalls at {first.connections:,} connections: {where(sizing, first)}{slow}",
        *filter(None, (shows, _fix(sizing, first))),
        *slowness,
    ]


def _fix(sizing: Sizing, place: Bottleneck) -> str:
    """Return what raises the bound of hosts that exist; of planned ones it is for the plan to say."""
    tier = sizing.plan(place.tier).tier
    real = tier.reports or tier.snapshots
    return f"fix: {place.bound.raised_by}" if real and place.bound.remedies else ""


def _enough(sizing: Sizing, first: Bottleneck | None) -> list[str]:
    target = sizing.topology.connections
    if first is None and sizing.unknown:
        number = counted(len(sizing.unknown), "bound")
        return [f"Unknown: no limit of any place could be read ({number} cannot be told)"]
    if first is None:
        return [f"No place that limits {target:,} connections was found{_unseen(sizing)}"]
    narrow = f"the narrowest place is {where(sizing, first)}, {first.connections:,} in all"
    return [f"Carries {target:,} connections{_unseen(sizing)}: {narrow}"]


def _unseen(sizing: Sizing) -> str:
    number = len(sizing.unknown)
    return f", as far as can be told ({counted(number, 'bound')} cannot)" if number else ""


def _beyond(sizing: Sizing, knee: Bottleneck | None) -> list[str]:
    if knee is None:
        return []
    return ["; ".join([f"slow from {knee.connections:,}: {where(sizing, knee)}", *knee.bound.notes[-1:]])]


def rate(sizing: Sizing, number: int) -> str:
    """Return one of the bounds that are below the target rate."""
    tier, bound = sizing.rates[number]
    load = sizing.plan(tier).workload
    each = f"{bound.hard:,} new connections/s of {load.rate:,} a host" if isinstance(bound.hard, int) else "not enough"
    return f"{tier}: {bound.name}: {each}" + (f"; {bound.fails}" if bound.fails else "")
