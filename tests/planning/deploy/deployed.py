"""Topologies that fit into a test, and what is deployed of them."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from hosttune.model import Deployment, Leg, Message, Setting, Tier, Topology
from hosttune.planning import sizing
from hosttune.programs import knowledge
from hosttune.terminal import file_tree
from hosttune.workflows import emitting, role_settings


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


def deploy(topology: Topology, settings: Sequence[Setting] | None = None) -> Deployment:
    """Return every host by name, as the command line has them, with other settings if any are given."""
    made = sizing.deploy(sizing.size(topology, role_settings.of(topology)), knowledge.every())
    if settings is None:
        return made
    return dataclasses.replace(made, hosts=tuple(dataclasses.replace(h, settings=tuple(settings)) for h in made.hosts))


def write(deployment: Deployment, directory: str) -> tuple[str, ...]:
    """Write its files as `plan --emit` does; return their paths."""
    return file_tree.write("--emit", directory, emitting.texts(deployment))
