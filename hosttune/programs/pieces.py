"""What all files of a plan share: where a program runs, what a pool may carry, how long a connection may be silent."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from hosttune.errors import UsageError
from hosttune.model import BindMode, Deployment, Message, Pair, PlannedHost, Tier, Topology
from hosttune.model.programs import Deploy


def programs(deployment: Deployment, tier: Tier) -> dict[str, Deploy]:
    """Return how the programs are deployed that run in a tier, or that may where none is named for it, by their names.

    None of these opens several connections for each of its own: raises UsageError where one is named that has to.
    """
    every = {known.deploy.program or known.name: known.deploy for known in deployment.programs if known.deploy}
    if tier.outgoing > 1 and tier.program in every:
        raise UsageError(
            f"[tier.{tier.name}]: to: {tier.program} opens one connection for each of its own, not {tier.outgoing}; "
            'write to = ["NAME"], or another program'
        )
    if tier.program:
        return {tier.program: every.get(tier.program, Deploy(()))}
    return {name: how for name, how in every.items() if tier.role in how.roles and tier.outgoing <= 1}


def running(deployment: Deployment, program: str) -> Iterator[PlannedHost]:
    """Yield the hosts of the tiers that run a program, or may."""
    every = {host.tier.name: host.tier for host in deployment.hosts}
    chosen = {name for name, tier in every.items() if program in programs(deployment, tier)}
    yield from (host for host in deployment.hosts if host.tier.name in chosen)


def tiers(deployment: Deployment, program: str) -> list[Tier]:
    """Return the tiers of those hosts, in order."""
    return list({host.tier.name: host.tier for host in running(deployment, program)}.values())


def head(deployment: Deployment, host: PlannedHost | None, what: str) -> str:
    """Return one line for the beginning of a file, without the comment sign of its language."""
    at = f"{host.name}: " if host else ""
    return f"{at}{what}, from the plan of {deployment.sizing.topology.name}, written by hosttune plan."


def needs(host: PlannedHost) -> list[str]:
    """Return the comment that says which addresses a host lacks, if it does."""
    count = len(host.extra)
    return [f"# Needs {count} more addresses on this host: README.md says how to add them."] if count else []


def filled(module: str, template: str, /, **values: object) -> str:
    """Return a template that stands beside a module, with its values for @NAME@.

    A line that has nothing else is as many lines as its value has, none where that is an empty list. Lines from
    @if NAME@ to @end@ stand only where the value is none of 0, "" and False, those behind an @else@ only where it is.
    """
    lines: list[str] = []
    kept = True
    for line in Path(module).with_name(template).read_text("utf-8").splitlines():
        control = re.fullmatch(r" *@(if \w+|else|end)@", line)
        if control:
            word, _, condition = control[1].partition(" ")
            kept = bool(values[condition]) if word == "if" else not kept if word == "else" else True
        elif kept:
            lines += _line(line, values)
    return "\n".join(lines) + "\n"


def _line(line: str, values: Mapping[str, object]) -> list[str]:
    alone = re.fullmatch(r"( *)@(\w+)@", line)
    several = values[alone[2]] if alone else None
    if alone and isinstance(several, list):
        return [f"{alone[1]}{text}" if text else "" for text in several]
    return [re.sub(r"@(\w+)@", lambda match: str(values[match[1]]), line)]


def address(text: str) -> str:
    """Return an address as it stands before a port: that of IPv6 in brackets."""
    return f"[{text}]" if ":" in text else text


def most(host: PlannedHost, topology: Topology) -> int:
    """Return the connections that all processes of a host are let to carry.

    It is the host's own limit where one is given, else what the plan counts on, with the headroom on top.
    """
    if host.tier.connections_max:
        return host.tier.connections_max
    return math.ceil(Fraction(host.workload.connections) / (1 - topology.headroom))


def per_process(host: PlannedHost, topology: Topology, kept: int) -> int:
    """Return the same for one process; `kept` are the descriptors that it needs beside those of its connections."""
    share = -(-most(host, topology) // host.tier.processes)
    if host.tier.nofile:
        share = min(share, math.floor((host.tier.nofile - kept) / host.workload.descriptors_each))
    return max(share, 1)


def descriptors(host: PlannedHost, connections: int, kept: int) -> int:
    """Return the descriptors of one process that carries so many."""
    return math.ceil(connections * host.workload.descriptors_each) + kept


def towards(deployment: Deployment, hosts: list[PlannedHost]) -> Counter[str]:
    """Return how many pairs of these hosts lead to each address."""
    return Counter(pair.backend.address for host in hosts for pair in host.pairs)


def limit(deployment: Deployment, host: PlannedHost, pair: Pair, sharing: Counter[str]) -> int | None:
    """Return the connections from a source to a backend that all processes of a host may have; None: no limit known.

    It is what its ports carry, or half of them where the plan stays below the knee, and this pair's part of what the
    backend's host may carry at all (`sharing`: how many pairs lead to it).
    """
    limits: list[int] = []
    plan = deployment.sizing.plan(host.tier.name)
    hop = next((hop for hop in plan.hops if pair.tier in hop.to), None)
    if hop:
        ports = hop.knee if deployment.sizing.topology.below_knee and hop.knee is not None else hop.ports
        if hop.mode is BindMode.BIND:
            ports //= max(sum(other.source == pair.source for other in host.pairs), 1)
        limits.append(ports)
    theirs = deployment.sizing.topology.tier(pair.tier).connections_max
    if theirs:
        limits.append(theirs // max(sharing[pair.backend.address], 1))
    return max(min(limits), 1) if limits else None


def together(deployment: Deployment, host: PlannedHost, pairs: list[Pair], sharing: Counter[str]) -> int | None:
    """Return the same for several pairs together; None where it is not known of one of them."""
    limits = [limit(deployment, host, pair, sharing) for pair in pairs]
    return sum(most for most in limits if most) if all(limits) else None


def carrying(host: PlannedHost, limits: Sequence[int | None]) -> list[int | None]:
    """Return the limits of all that a host dials; none at all where together they are less than what it shall carry.

    What does not carry the plan must say so itself: a limit would hide which resource has run out.
    """
    wanted = host.workload.connections * sum(leg.per for leg in host.tier.to)
    if None not in limits and sum(most or 0 for most in limits) < wanted:
        return [None] * len(limits)
    return [*limits]


def chosen_ports(deployment: Deployment, host: PlannedHost, pair: Pair) -> tuple[int, int]:
    """Return the range that a program takes its ports from which chooses them itself."""
    if host.workload.bind_range:
        return host.workload.bind_range
    hop = next((h for h in deployment.sizing.plan(host.tier.name).hops if pair.tier in h.to), None)
    return (hop.low, hop.high) if hop else host.tier.port_range or (1024, 65535)


def slices(low: int, high: int, count: int) -> list[tuple[int, int]]:
    """Cut a range into so many parts that do not overlap; of a range that is too small some are empty."""
    size, rest = divmod(high - low + 1, count)
    ends = [low + size * i + min(i, rest) for i in range(count + 1)]
    return [(ends[i], ends[i + 1] - 1) for i in range(count)]


def quiet(topology: Topology) -> int | None:
    """Return the seconds that a healthy connection may be silent at the longest, None where nothing tells.

    A device speaks once a keepalive or an interval, twice that allows for one that is late; one that only stays is
    silent for as long.
    """
    message = topology.message
    own = [2 * message.keepalive, math.ceil(2 * message.interval) if message.count else 0, message.stay, topology.hold]
    return max(own) or None


def silence(seconds: int | None) -> str:
    """Return the comment on a timeout of so many seconds, None where there is to be none."""
    return "# a healthy device is silent for so long at the most" if seconds else "# a connection stays"


def mqtt(topology: Topology) -> bool:
    """Say whether the topology describes messages: those are MQTT's."""
    return topology.message != Message()


def ramp(topology: Topology) -> int:
    """Return the seconds in which all connections come at the rate."""
    return max(-(-topology.connections // topology.rate), 1)


def name_of(deployment: Deployment) -> dict[tuple[str, int], str]:
    """Return a name for each address and port (letters, digits, underscores), its host's."""
    names: dict[tuple[str, int], str] = {}
    for host in deployment.hosts:
        for port in host.ports:
            bare = re.sub(r"[^A-Za-z0-9]", "_", host.name)
            names[host.address, port] = f"{bare}_{port}" if len(host.ports) > 1 else bare
    return names
