"""What a plan says in words, whatever the format: the way through the tiers, the hops, what a host takes."""

from __future__ import annotations

import re

from hosttune import printable
from hosttune.model import BindMode, Bottleneck, Hop, Reason, Setting, Sizing, Tier, TierPlan
from hosttune.render.figures import counted, memory, percent, value
from hosttune.render.sizing_places import slows, stalls

_LOAD = (
    *("fs.file-max", "fs.nr_open", "fs.epoll.max_user_watches", "net.ipv4.tcp_mem", "net.ipv4.ip_local_port_range"),
    *("net.netfilter.nf_conntrack_max", "net.ipv4.ip_local_reserved_ports"),
)
"""Sysctls that are asked for first: what they hold is counted in connections, or is where these get their ports."""

_NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


def about(sizing: Sizing) -> tuple[str, ...]:
    """Return what the plan is for, and its target."""
    aim = sizing.topology
    parts = [aim.name]
    parts += [f"each lives {aim.hold:,} s"] if aim.hold else []
    parts += [f"headroom {percent(aim.headroom)}" if aim.headroom else "no headroom"]
    return tuple(part for part in parts if part)


def solved(sizing: Sizing) -> str:
    """Return the numbers that were to be found, as a topology file has them; "" where there were none."""
    if not sizing.solved:
        return ""
    numbers = []
    for tier in (plan.tier for plan in sizing.tiers):
        for key, number in (("hosts", tier.hosts), ("sources", tier.sources), ("memory", tier.memory)):
            if key in tier.open and number is not None:
                numbers.append(f"{tier.name}.{key} = {_size(number) if key == 'memory' else f'{number:,}'}")
    return ", ".join(numbers)


def box(plan: TierPlan) -> str:
    """Return a tier as a link of the chain, such as "lb 2 hosts x 500,000"."""
    return f"{plan.tier.name} {hosts(plan.tier)} x {plan.workload.connections:,}"


def hosts(tier: Tier) -> str:
    """Return how many hosts a tier has, and how many of them are to spare."""
    return counted(tier.hosts, "host") + (f" ({tier.spare:,} spare)" if tier.spare else "")


def count(tier: Tier) -> str:
    """Return how many hosts a tier has, and how many of them are to spare, for a column."""
    return f"{'?' if tier.hosts is None else f'{tier.hosts:,}'}{f' ({tier.spare:,} spare)' if tier.spare else ''}"


def needs(sizing: Sizing) -> list[tuple[str, list[str]]]:
    """Return the settings that grow with the load, each with its value on a host of every tier, or ""."""
    rows: dict[str, list[str]] = {}
    for place, plan in enumerate(sizing.tiers):
        for row in plan.settings:
            kind, _, key = row.subject.partition(":")
            if kind == "sysctl" and key not in _LOAD:
                continue
            name, value = setting(row)
            name = "nofile" if kind == "nofile" else name
            cells = rows.setdefault(name, [""] * len(sizing.tiers))
            cells[place] = value if row.unit == "bytes" else value.removesuffix(f" {row.unit}")
    return [*rows.items()]


def _size(number: int) -> str:
    return f"{number >> 30:,} GiB" if number and number % (1 << 30) == 0 else memory(number)


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


def hop(hop: Hop) -> str:
    """Return how many pools a hop has on one host, what they hold, and how full the fullest one gets."""
    head = f"{hop.tier} -> {' + '.join(hop.to)}"
    if not hop.pairs or not hop.backends:
        return f"{head}: {pools(hop)}, so nothing gets through"
    many = hop.pairs > 1
    ports = f"{hop.ports:,} ports{' each' if many else ''} ({_range(hop)})"
    return f"{head}: {pools(hop)}, {ports}, {hop.each:,} in {'each' if many else 'it'}: {filled(hop)}"


def pools(hop: Hop) -> str:
    """Return the pools of one host, and which addresses they are of."""
    if not hop.pairs or not hop.backends:
        return "no pair of source address and backend"
    backends = counted(hop.backends, "backend")
    if hop.mode is BindMode.BIND:
        return f"{counted(hop.pairs, 'source address')} a host, whatever the backend ({hop.mode})"
    each = hop.pairs // hop.backends
    of = f"{each:,} of {counted(hop.sources, 'source address')}" if each < hop.sources else ""
    of = of or counted(each, "source address")
    if hop.backends == 1:
        return f"{counted(hop.pairs, 'pair')} ({of} for 1 backend)"
    return f"{counted(hop.pairs, 'pair')} ({of} for each of {backends})"


def _range(hop: Hop) -> str:
    less = [f"{hop.reserved:,} reserved"] if hop.reserved else []
    less += [f"{', '.join(map(str, hop.listening))} on which it listens"] if hop.listening else []
    return f"{hop.low}-{hop.high}, both ends count" + (f", less {' and '.join(less)}" if less else "")


def filled(hop: Hop) -> str:
    """Return how full the fullest pool gets: beyond its ports, beyond its knee, or within."""
    if hop.each > hop.ports:
        return f"{hop.each - hop.ports:,} too many"
    if hop.knee is None:
        return "never slow"
    return f"{'slow' if hop.each > hop.knee else 'ok'}"


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


def setting(row: Setting) -> tuple[str, str]:
    """Return a setting's name and its value with the unit; that of a sysctl is the number that has to be written."""
    kind, _, key = row.subject.partition(":")
    key = key if kind == "sysctl" else row.subject.replace(":", " ")
    raw = row.value
    if isinstance(raw, tuple) and kind == "nofile" and len(set(raw)) == 1:
        raw = raw[0]  # soft and hard alike are one number
    if row.unit == "bytes" and kind != "sysctl" and isinstance(raw, int):
        return key, memory(raw)
    unit = "" if row.unit in ("port", "ports") else row.unit
    return key, f"{value(raw, row.unit)} {unit}".rstrip()


def load_settings(plan: TierPlan) -> tuple[list[str], int]:
    """Return the settings that grow with the load, each once, and how many others there are."""
    shown, others = [], 0
    for row in plan.settings:
        kind, _, key = row.subject.partition(":")
        if kind == "sysctl" and key not in _LOAD:
            others += 1
        else:
            name = "nofile" if kind == "nofile" else setting(row)[0]
            shown.append(f"{name} {setting(row)[1]}")
    return list(dict.fromkeys(shown)), others


def unknown(sizing: Sizing) -> list[str]:
    """Return the bounds that are unknown, those of one reason together."""
    alike: dict[str, list[str]] = {}
    for tier, bound, unknown in sizing.unknown:
        why = unknown.detail if unknown.reason is Reason.UNDECIDED and unknown.detail else str(unknown)
        alike.setdefault(why, []).append(f"{bound.removesuffix(f' of {tier}')} of {tier}")
    return [f"{', '.join(names)}: {why}" for why, names in alike.items()]


def remarks(sizing: Sizing) -> list[tuple[str, str]]:
    """Return what is assumed, what providers do, and warnings, each with what it is."""
    notes = [f"{plan.tier.name}: {note}" for plan in sizing.tiers for note in plan.notes]
    assumed = [("assumed", note) for note in notes if note not in sizing.warnings]
    return assumed + [("cloud", text) for text in sizing.clouds] + [("warning", text) for text in sizing.warnings]


def wire(hop: Hop) -> tuple[str, ...]:
    """Return a hop as the few words that stand at an arrow."""
    state = "too many" if hop.each > hop.ports else filled(hop).rpartition(" ")[0] if hop.knee else ""
    return counted(hop.pairs, "pool"), f"x {hop.ports:,} ports", f"{hop.each:,} each", state


def commands(sizing: Sizing, command: str = "") -> list[tuple[str, str]]:
    """Return what to do next, each with its command; `command` is the one that made the plan, without its output."""
    aim = sizing.topology
    again = command or f"hosttune plan {printable.word(aim.origin or aim.name)}"
    if not sizing.carried:
        return [] if sizing.solved else [("find what reaches the target", f"{again}{_open(sizing)} --solve")]
    emit = f"{again} --solve" if sizing.solved and "--solve" not in again.split() else again
    host = f"DIR/profiles/{_host(sizing)}.toml"
    return [("write the configurations", f"{emit} --emit DIR"), ("check a host", f"hosttune check --profile {host}")]


def _open(sizing: Sizing) -> str:
    """Return the options that leave to be found what is too narrow; "" where something is to be found already."""
    if any(plan.tier.open for plan in sizing.tiers):
        return ""
    aim = sizing.topology
    narrow = [p for p in (*stalls(sizing), *slows(sizing)) if p.connections < aim.connections]
    narrow = [p for p in narrow if not p.knee or aim.below_knee]
    return "".join(f" --set {printable.word(f'{key}=?')}" for key in dict.fromkeys(_wider(sizing, p) for p in narrow))


def _wider(sizing: Sizing, place: Bottleneck) -> str:
    """Return the number that widens a place: ports grow with the source addresses, where these are bound to."""
    plan = sizing.plan(place.tier)
    bound = not any(hop.mode is BindMode.CONNECT for hop in plan.hops)
    return f"{plan.tier.name}.{'sources' if place.bound.kind == 'ports' and bound else 'hosts'}"


def _host(sizing: Sizing) -> str:
    """Return a host of the narrowest tier, or of the first."""
    narrow = [place.tier for place in (*stalls(sizing)[:1], *slows(sizing)[:1])]
    name = next(iter(narrow), sizing.tiers[0].tier.name if sizing.tiers else "HOST")
    return f"{name if _NAMES.fullmatch(name) else 'HOST'}-1"
