"""What a plan says in words, whatever the format: the answer, the places, the hops, what a host takes."""

from __future__ import annotations

import re
import shlex
from fractions import Fraction

from hosttune.model import BindMode, Hop, Place, Setting, Sizing, Tier, TierPlan
from hosttune.render._figures import memory, value

_OTHERS = 3  # places beside the one that decides
_NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


def counted(number: int | None, noun: str) -> str:
    """Return a number with its noun, in the plural where it is one; "?" where the number is not known yet."""
    if number is None:
        return f"? {_plural(noun)}"
    return f"{number:,} {noun if number == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"


def percent(share: Fraction) -> str:
    """Return a share in percent, with no more digits than it has."""
    return f"{float(share * 100):.4g} %"


def title(sizing: Sizing) -> str:
    """Return what the plan is for, and how much is wanted."""
    aim = sizing.topology
    parts = [aim.name, f"wanted {aim.connections:,} connections at {aim.rate:,}/s"]
    parts += [f"each lives {aim.hold:,} s"] if aim.hold else []
    parts += [f"headroom {percent(aim.headroom)}" if aim.headroom else "no headroom"]
    return " · ".join(part for part in parts if part)


def found(sizing: Sizing) -> str:
    """Return the numbers that were to be found, as a topology file has them; "" where there were none."""
    if not sizing.solved:
        return ""
    told = []
    for tier in (plan.tier for plan in sizing.tiers):
        for key, number in (("hosts", tier.hosts), ("sources", tier.sources), ("memory", tier.memory)):
            if key in tier.open and number is not None:
                told.append(f"{tier.name}.{key} = {memory(number) if key == 'memory' else f'{number:,}'}")
    return ", ".join(told)


def stalls(sizing: Sizing) -> list[Place]:
    """Return the places where it refuses, the narrowest first."""
    return sorted((p for p in sizing.places if not p.knee), key=lambda p: p.connections)


def slows(sizing: Sizing) -> list[Place]:
    """Return the places where it slows, the narrowest first."""
    return sorted((p for p in sizing.places if p.knee), key=lambda p: p.connections)


def of_host(sizing: Sizing, place: Place) -> str:
    """Return what a place is of one host where that is another number than of all, such as "6 hosts of 200,000"."""
    one = place.bound.knee if place.knee else place.bound.hard
    if not isinstance(one, int) or one == place.connections:
        return ""
    return f"{counted(sizing.plan(place.tier).tier.serving, 'host')} of {one:,}"


def where(sizing: Sizing, place: Place) -> str:
    """Return the tier and the bound of a place, and what it is of one host."""
    each = of_host(sizing, place)
    return name(place) + (f", {each}" if each else "")


def name(place: Place) -> str:
    """Return the tier and the bound of a place; a bound that names the tier itself does so once."""
    return f"{place.tier}: {place.bound.name.removesuffix(f' of {place.tier}')}"


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
        told = f"it refuses first at {first.connections:,}: {where(sizing, first)}" if first else ""
        said = f"Slow from {knee.connections:,} connections: {where(sizing, knee)}"
        return [said, *knee.bound.notes[:1], *filter(None, (_also(sizing, slow[1:]), told))]
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
                return (
                    f"{plan.tier.name}: {bound.name}: {bound.hard:,} {unit} a host, of which "
                    f"{percent(sizing.topology.headroom)} shall stay free, do for {int(bound.hard * left):,} of {want:,}"
                )
    return ""


def _also(sizing: Sizing, slow: list[Place]) -> str:
    """Return the other places that slow before the target; "" where there are none."""
    told = [f"{name(p)} from {p.connections:,}" for p in slow if p.connections < sizing.topology.connections]
    more = f" and {len(told) - _OTHERS:,} more" if len(told) > _OTHERS else ""
    return f"also slow: {', '.join(told[:_OTHERS])}{more}" if told else ""


def _stalled(sizing: Sizing, first: Place, knee: Place | None) -> list[str]:
    """Return where it stalls, how that shows there, and where it slows before."""
    bound = first.bound
    slow = f" (slow from {knee.connections:,})" if knee and knee.connections < first.connections else ""
    shows = "; log: ".join(part for part in (bound.fails, bound.log) if part)
    same = knee is not None and (knee.tier, knee.bound.id) == (first.tier, first.bound.id)
    told = [] if same else _beyond(sizing, knee) if slow else []
    return [
        f"Stalls at {first.connections:,} connections: {where(sizing, first)}{slow}",
        *filter(None, (shows,)),
        *told,
    ]


def _enough(sizing: Sizing, first: Place | None) -> list[str]:
    wanted = sizing.topology.connections
    if first is None:
        return [f"No place that limits {wanted:,} connections was found{_unseen(sizing)}"]
    narrow = f"the narrowest place is {where(sizing, first)}, {first.connections:,} in all"
    return [f"Carries {wanted:,} connections{_unseen(sizing)}: {narrow}"]


def _unseen(sizing: Sizing) -> str:
    number = len(sizing.unknown)
    return f", as far as can be told ({counted(number, 'bound')} cannot)" if number else ""


def _beyond(sizing: Sizing, knee: Place | None) -> list[str]:
    if knee is None:
        return []
    return ["; ".join([f"slow from {knee.connections:,}: {where(sizing, knee)}", *knee.bound.notes[:1]])]


def rate(sizing: Sizing, number: int) -> str:
    """Return one of the bounds that are below the wanted rate."""
    tier, bound = sizing.rates[number]
    load = sizing.plan(tier).workload
    each = f"{bound.hard:,} new connections/s of {load.rate:,} a host" if isinstance(bound.hard, int) else "not enough"
    return f"{tier}: {bound.name}: {each}" + (f"; {bound.fails}" if bound.fails else "")


def box(plan: TierPlan) -> str:
    """Return a tier as a link of the chain, such as "lb 2 hosts x 500,000"."""
    return f"{plan.tier.name} {hosts(plan.tier)} x {plan.workload.connections:,}"


def hosts(tier: Tier) -> str:
    """Return how many hosts a tier has, and how many of them are to spare."""
    return counted(tier.hosts, "host") + (f" ({tier.spare:,} spare)" if tier.spare else "")


def chains(sizing: Sizing) -> list[str]:
    """Return how connections run, a line for each way; a tier's figures stand where it is first named."""
    lines: list[str] = []
    named: set[str] = set()
    gone: set[str] = set()  # tiers whose way onward stands in a line already
    for plan in sizing.tiers:
        if plan.tier.name in gone or (plan.tier.name in named and not plan.tier.to):
            continue
        line, now = _link(plan, named), plan
        while now.tier.to and now.tier.name not in gone:
            gone.add(now.tier.name)
            line += f" -> {_onward(sizing, now, named)}"
            ends = [name for leg in now.tier.to for name in leg.tiers]
            now = sizing.plan(ends[0]) if len(ends) == 1 else now
        gone.add(plan.tier.name)
        lines.append(line)
    return lines


def _link(plan: TierPlan, named: set[str]) -> str:
    known = plan.tier.name in named
    named.add(plan.tier.name)
    return plan.tier.name if known else box(plan)


def _onward(sizing: Sizing, plan: TierPlan, named: set[str]) -> str:
    legs = []
    for leg in plan.tier.to:
        ends = " + ".join(_link(sizing.plan(name), named) for name in leg.tiers)
        legs.append(ends if leg.per == 1 else f"{leg.per:,} each to {ends}")
    return " and ".join(legs)


def hop(found: Hop) -> str:
    """Return how many pools a hop has on one host, what they hold, and how full the fullest one gets."""
    head = f"{found.tier} -> {' + '.join(found.to)}"
    if not found.pairs or not found.backends:
        return f"{head}: {pools(found)}, so nothing gets through"
    many = found.pairs > 1
    ports = f"{found.ports:,} ports{' each' if many else ''} ({_range(found)})"
    return f"{head}: {pools(found)}, {ports}, {found.each:,} in {'each' if many else 'it'}: {filled(found)}"


def pools(found: Hop) -> str:
    """Return the pools of one host, and which addresses they are of."""
    if not found.pairs or not found.backends:
        return "no pair of source address and backend"
    backends = counted(found.backends, "backend")
    if found.mode is BindMode.BIND:
        return f"{counted(found.pairs, 'source address')} a host, whatever the backend ({found.mode})"
    each = found.pairs // found.backends
    of = f"{each:,} of {counted(found.sources, 'source address')}" if each < found.sources else ""
    of = of or counted(each, "source address")
    if found.backends == 1:
        return f"{counted(found.pairs, 'pair')} ({of} for 1 backend)"
    return f"{counted(found.pairs, 'pair')} ({of} for each of {backends})"


def _range(found: Hop) -> str:
    less = found.high - found.low + 1 - found.ports
    return f"{found.low}-{found.high}, both ends count" + (f", less {less:,} reserved or its own" if less > 0 else "")


def filled(found: Hop) -> str:
    """Return how full the fullest pool gets: beyond its ports, beyond its knee, or within."""
    if found.each > found.ports:
        return f"{found.each - found.ports:,} too many"
    if found.knee is None:
        return "no knee"
    return f"{'above' if found.each > found.knee else 'below'} the knee {found.knee:,}"


def alone(plan: TierPlan) -> str:
    """Return what the whole would carry without more source addresses; "" where that is no question."""
    if plan.alone is None:
        return ""
    return f"with one source address a host it stops at {plan.alone:,} connections"


def load(plan: TierPlan) -> str:
    """Return what one host of a tier carries, and what it is."""
    tier, share = plan.tier, plan.workload
    parts = [f"role {tier.role}", tier.program]
    parts += [f"{tier.cores} CPU" if tier.cores else "", memory(tier.memory) if tier.memory else ""]
    about = ", ".join(part for part in parts if part)
    each = "" if tier.hosts == 1 else "each "
    return f"{tier.name}: {hosts(tier)} ({about}), {each}for {share.connections:,} connections at {share.rate:,}/s"


def setting(found: Setting) -> tuple[str, str]:
    """Return a setting's name and its value with the unit."""
    kind, _, key = found.subject.partition(":")
    key = {"sysctl": key, "nofile": "nofile"}.get(kind, found.subject.replace(":", " "))
    told = found.value
    if isinstance(told, tuple) and kind == "nofile" and len(set(told)) == 1:
        told = told[0]  # soft and hard alike are one number
    if found.unit == "bytes" and isinstance(told, int):
        return key, memory(told)
    unit = "" if found.unit in ("port", "ports") else found.unit
    return key, f"{value(told, found.unit)} {unit}".rstrip()


def untold(sizing: Sizing) -> list[str]:
    """Return the bounds that could not be told, those of one reason together."""
    alike: dict[str, list[str]] = {}
    for tier, bound, unknown in sizing.unknown:
        alike.setdefault(str(unknown), []).append(f"{bound.removesuffix(f' of {tier}')} of {tier}")
    return [f"{', '.join(names)}: {why}" for why, names in alike.items()]


def remarks(sizing: Sizing) -> list[str]:
    """Return what is assumed, what providers do, and what else is to be heeded."""
    notes = [f"{plan.tier.name}: {note}" for plan in sizing.tiers for note in plan.notes]
    told = [f"assumed: {note}" for note in notes if note not in sizing.warnings]
    told += [f"cloud: {text}" for text in sizing.clouds]
    return told + [f"warning: {text}" for text in sizing.warnings]


def commands(sizing: Sizing, command: str = "") -> list[tuple[str, str]]:
    """Return what to do next, each with its command; `command` is the one that made the plan, without its output."""
    aim = sizing.topology
    again = command or f"hosttune plan {shlex.quote(aim.origin or aim.name)}"
    solve = "--solve" in again.split()
    told = []
    if not sizing.carried and not sizing.solved:
        told.append(("find what carries it", f"{again} --solve"))
    if sizing.carried:
        emit = again if solve or not sizing.solved else f"{again} --solve"
        told.append(("write the configurations", f"{emit} --emit DIR"))
        told.append(("check a host", f"hosttune check --profile DIR/profiles/{_host(sizing)}.toml"))
    return told


def _host(sizing: Sizing) -> str:
    """Return a host of the narrowest tier, or of the first."""
    narrow = [place.tier for place in (*stalls(sizing)[:1], *slows(sizing)[:1])]
    name = next(iter(narrow), sizing.tiers[0].tier.name if sizing.tiers else "HOST")
    return f"{name if _NAMES.fullmatch(name) else 'HOST'}-1"
