"""Deployments made by hand, as `hosttune.sizing` makes them from a topology."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from hosttune.model import (
    Backend,
    BindMode,
    Deployment,
    Hop,
    Leg,
    Machine,
    Message,
    Pair,
    PlannedHost,
    Setting,
    Sizing,
    Tier,
    TierPlan,
    Topology,
    Workload,
)

MACHINE = Machine("", "", "", "", "6.1.0", None, None, None, "", "", "", False, True, True, "", (), ())
_PER = {"client": (1, 1, 1, 200), "lb": (2, 2, 1, 200), "broker": (1, 1, 0, 1000)}


def span(first: str, count: int) -> tuple[str, ...]:
    """Return so many addresses from one on."""
    start = ipaddress.ip_address(first)
    return tuple(str(start + number) for number in range(count))


def whitepaper() -> Topology:
    """The white paper's topology, as profiles/topologies has it."""
    client = Tier(
        "client", "client", (Leg(("lb",)),), "tsung", 24, addresses=span("10.0.1.1", 24), connections_max=64_000
    )
    lb = Tier(
        "lb",
        "lb",
        (Leg(("broker",)),),
        "haproxy",
        1,
        addresses=("10.0.2.1",),
        ports=(1883,),
        sources=24,
        sources_each=4,
        source_addresses=span("10.0.2.101", 24),
        interface="ens5",
        connections_max=2_500_000,
        cloud="aws",
    )
    broker = Tier("broker", "broker", (), "", 6, addresses=span("10.0.3.1", 6), ports=(1883,), connections_max=200_000)
    message = Message(size=52, count=100, interval=10, qos=1, keepalive=1_000, stay=30_000)
    return Topology("whitepaper-2019", 1_000_000, 1_000, (client, lb, broker), message=message, below_knee=False)


def small(**lb: Any) -> Topology:
    """One load generator, one load balancer with two sources, two brokers: what fits into a test."""
    client = Tier("client", "client", (Leg(("lb",)),), "tsung", 1, addresses=("10.1.1.1",))
    tier = Tier(
        "lb",
        "lb",
        (Leg(("broker",)),),
        "haproxy",
        1,
        addresses=("10.1.2.1",),
        ports=(1883,),
        sources=2,
        source_addresses=span("10.1.2.101", 2),
    )
    broker = Tier("broker", "broker", (), "mosquitto", 2, addresses=span("10.1.3.1", 2), ports=(1883,))
    return Topology("small", 400, 100, (client, dataclasses.replace(tier, **lb), broker), headroom=Fraction(1, 10))


def replaced(topology: Topology, name: str, **given: Any) -> Topology:
    """Return the topology with one tier changed."""
    tiers = tuple(dataclasses.replace(t, **given) if t.name == name else t for t in topology.tiers)
    return dataclasses.replace(topology, tiers=tiers)


def deploy(topology: Topology, settings: Sequence[Setting] = ()) -> Deployment:
    """Name the hosts and pairs; a tier's connections are the topology's, spread evenly."""
    plans: list[TierPlan] = []
    hosts: list[PlannedHost] = []
    for tier in topology.tiers:
        ends = [(t.name, a, p) for leg in tier.to for n in leg.tiers for t in [topology.tier(n)] for a, p in _ends(t)]
        plan = _plan(topology, tier, len(ends))
        plans.append(plan)
        hosts += [_host(tier, number, ends, plan.workload, settings) for number in range(tier.hosts or 0)]
    return Deployment(Sizing(topology, tuple(plans), (), carried=True), tuple(hosts))


def _ends(tier: Tier) -> list[tuple[str, int]]:
    return [(address, port) for address in tier.addresses[: tier.hosts] for port in tier.ports]


def _mode(tier: Tier) -> BindMode:
    known = {"haproxy": BindMode.NO_PORT, "nginx": BindMode.NO_PORT, "envoy": BindMode.NO_PORT, "tsung": BindMode.BIND}
    return tier.bind_mode or known.get(tier.program) or (BindMode.NO_PORT if tier.role == "lb" else BindMode.CONNECT)


def _plan(topology: Topology, tier: Tier, ends: int) -> TierPlan:
    sockets, descriptors, tuples, own = _PER[tier.role]
    mode = _mode(tier)
    bound = tier.port_range if mode in (BindMode.EXPLICIT,) else None
    share = -(-topology.connections // (tier.hosts or 1))
    load = Workload(
        connections=share,
        rate=-(-topology.rate // (tier.hosts or 1)),
        sockets_per_connection=sockets,
        descriptors_per_connection=descriptors,
        tuples_per_connection=tuples,
        own_descriptors=own,
        hold=topology.hold,
        backlog=tier.backlog or 0,
        bind_mode=mode,
        bind_range=bound,
    )
    low, high = tier.port_range or (1024, 65535)
    ports = high - low + 1
    sources = tier.sources or 1
    pairs = ends * (tier.sources_each or sources)
    knee = ports // 2 if mode in (BindMode.CONNECT, BindMode.NO_PORT) else None
    to = tuple(name for leg in tier.to for name in leg.tiers)
    hop = Hop(tier.name, to, topology.connections, ends, mode, low, high, sources, pairs, ports, knee, 0)
    return TierPlan(tier, topology.connections, topology.rate, Fraction(1), load, MACHINE, (), (hop,) if ends else ())


def _host(
    tier: Tier, number: int, ends: list[tuple[str, str, int]], load: Workload, settings: Sequence[Setting]
) -> PlannedHost:
    own = tier.addresses[number]
    count = tier.sources or 1
    extra = tier.source_addresses[number * count : (number + 1) * count]
    sources = (extra or (own,)) if ends else ()
    each = tier.sources_each or len(sources)
    chosen = [[sources[(i * each + k) % len(sources)] for k in range(each)] for i in range(len(ends))]
    pairs = tuple(
        Pair(source, Backend(a, p), name) for (name, a, p), mine in zip(ends, chosen, strict=True) for source in mine
    )
    backends = tuple(
        Backend(a, p, sources=() if each == len(sources) else tuple(mine))
        for (_, a, p), mine in zip(ends, chosen, strict=True)
    )
    mine = dataclasses.replace(load, backends=backends, sources=sources)
    return PlannedHost(f"{tier.name}-{number + 1}", tier, own, tier.ports, sources, extra, pairs, mine, tuple(settings))
