"""The pools of a hop: which ports its sources have towards its backends, and what they carry."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

from hosttune.capacity import CapacityFacts, towards, translation, with_log
from hosttune.capacity.bounds import nat
from hosttune.model import Backend, BindMode, Bound, Hop, Leg, PortPool, Scope, Tier, Topology
from hosttune.planning.sizing import flow
from hosttune.planning.sizing.role import Readings
from hosttune.ports import Reach, mask_of, reach, span

RANGE = "sysctl:net.ipv4.ip_local_port_range"


def legs(tier: Tier, mode: BindMode) -> tuple[Leg, ...]:
    """Return the legs whose pools are apart: with bind() a port is taken whatever the destination, so all are one."""
    if mode is not BindMode.BIND or len(tier.to) < 2:
        return tier.to
    return (Leg(tuple(name for leg in tier.to for name in leg.tiers), tier.outgoing),)


def hop(topology: Topology, tier: Tier, leg: Leg, demand: Fraction, mode: BindMode, readings: Readings) -> Hop:
    """Return what runs over a leg, and the pools of one host that it runs through."""
    backends = flow.destinations(topology, leg)
    if tier.forwards:
        return _translated(tier, leg, demand, backends)
    sources = 1 if mode is BindMode.CONNECT else tier.sources or 0
    each = min(tier.sources_each or sources, sources)
    pairs = sources if mode is BindMode.BIND else each * backends
    low, high = _range(tier, readings)
    ports = span(low, high)
    listening = mask_of(",".join(map(str, tier.ports))) & ports
    # a program that chooses its ports itself asks for no reserved list (net/ipv4/inet_connection_sock.c)
    reserved = 0 if mode is BindMode.EXPLICIT else mask_of(tier.reserved_ports) & ports & ~listening
    usable = ports & ~listening & ~reserved
    found = reach(low, high, usable, bind=mode is BindMode.BIND)
    if mode is BindMode.EXPLICIT:
        found = Reach(usable.bit_count(), usable.bit_count(), None)
    per_host = math.ceil(demand / tier.serving) * leg.per if tier.serving else 0
    return Hop(
        tier=tier.name,
        to=leg.tiers,
        connections=math.ceil(demand * leg.per),
        backends=backends,
        mode=mode,
        low=low,
        high=high,
        sources=sources,
        pairs=pairs,
        ports=found.least,
        knee=found.knee,
        each=-(-per_host // pairs) if pairs else per_host,
        in_range=ports.bit_count(),
        reserved=reserved.bit_count(),
        listening=tuple(sorted(p for p in set(tier.ports) if listening >> p & 1)),
    )


def _translated(tier: Tier, leg: Leg, demand: Fraction, backends: int) -> Hop:
    """Return a hop through NAT: its ports are those of the rule, whatever the host's own range."""
    low, high = tier.port_range or translation.FREE
    sources, ports = tier.sources or 0, high - low + 1
    pairs, calm = sources * backends, translation.first_loss(ports)[0]
    per_host = math.ceil(demand / tier.serving) if tier.serving else 0
    return Hop(
        tier=tier.name,
        to=leg.tiers,
        connections=math.ceil(demand),
        backends=backends,
        mode=BindMode.EXPLICIT,
        low=low,
        high=high,
        sources=sources,
        pairs=pairs,
        ports=ports,
        knee=calm if calm < ports else None,
        each=-(-per_host // pairs) if pairs else per_host,
        in_range=ports,
    )


def _of_nat(hop: Hop) -> Bound:
    to = "+".join(hop.to)
    return Bound(
        kind="nat",
        name=f"ports of NAT towards {' and '.join(hop.to)}",
        hard=hop.ports * hop.pairs,
        knee=hop.knee * hop.pairs if hop.knee is not None else None,
        reads=f"{hop.ports:,} ports of {hop.sources:,} addresses, towards each of {hop.backends:,} destinations",
        fails=nat.FAILS,
        notes=("slow above that: first SYNs are lost, and retransmitted after 1 s",) if hop.knee is not None else (),
        counter=nat.COUNTER,
        scope=Scope.BACKEND,
        of=to,
    )


def _range(tier: Tier, readings: Readings) -> tuple[int, int]:
    if tier.port_range:
        return tier.port_range
    value = readings[RANGE].runtime if RANGE in readings else None
    return (value[0], value[1]) if isinstance(value, tuple) else (0, -1)


def bounds(facts: CapacityFacts, hop: Hop, leg: Leg) -> list[Bound]:
    """Return the bounds of a hop's pools, in connections of the tier."""
    if facts.workload.forwards:
        return [_of_nat(hop)]
    backends, name = 1 if hop.mode is BindMode.BIND else hop.backends, " and ".join(hop.to)
    if not hop.pairs or not backends or not hop.ports:
        to, where = "+".join(hop.to), f"source ports towards {name}"
        return [Bound("ports", where, 0, scope=Scope.BACKEND, of=to)]
    pool = PortPool(
        source="",
        backend=Backend("", 0, name),
        mode=hop.mode,
        low=hop.low,
        high=hop.high,
        in_range=hop.in_range,
        reserved=hop.reserved,
        blocked=len(hop.listening),
        usable=hop.ports,
        established=0,
        time_wait=0,
        other=0,
        free=hop.ports,
        free_most=hop.ports,
        knee=hop.knee,
    )
    load = dataclasses.replace(facts.workload, tuples_per_connection=leg.per)
    mine = dataclasses.replace(facts, workload=load)
    shares = towards(mine, (pool,) * (hop.pairs // backends), backends, name)
    return [with_log(dataclasses.replace(b, used=None, remedies=()), mine) for b in shares]
