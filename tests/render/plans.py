"""Plans built by hand: no policy, no reckoning, only the nouns as a sizing would give them."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from hosttune.model import (
    BindMode,
    Bound,
    Hop,
    Leg,
    Machine,
    Need,
    Place,
    Reason,
    Setting,
    Sizing,
    Tier,
    TierPlan,
    Topology,
    Unknown,
    Workload,
)

PORTS = "connect: EADDRNOTAVAIL (99)"
SEARCH = "beyond the knee a new connection searches 32,256 ports, about 1.94 ms: 1.9 CPUs at 1,000/s"


def machine(tier: Tier) -> Machine:
    return Machine(
        tier.name, "", "", "", "", tier.cores, tier.memory, tier.memory, "", tier.cloud, "", False, True, True, ""
    )


def bound(
    id: str, name: str, hard: int | Unknown | None, knee: int | None = None, fails: str = "", **more: object
) -> Bound:
    made = Bound(id, name, hard, knee, None, "", fails)
    return dataclasses.replace(made, **more)  # type: ignore[arg-type]


def plan(tier: Tier, share: int, rate: int, *bounds: Bound, **more: object) -> TierPlan:
    load = Workload(share, rate)
    made = TierPlan(tier, share * tier.serving, rate * tier.serving, Fraction(1), load, machine(tier), bounds)
    return dataclasses.replace(made, **more)  # type: ignore[arg-type]


def sizing(aim: Topology, plans: tuple[TierPlan, ...], **more: object) -> Sizing:
    """Join tiers as a sizing does: every bound that is known is a place, and so is every knee."""
    places = [
        Place(p.tier.name, b, p.whole(number), knee)
        for p in plans
        for b in p.bounds
        for number, knee in ((b.hard, False), (b.knee, True))
        if isinstance(number, int)
    ]
    places.sort(key=lambda place: (place.knee, place.connections))
    unknown = tuple((p.tier.name, b.name, b.hard) for p in plans for b in p.bounds if isinstance(b.hard, Unknown))
    made = Sizing(aim, plans, tuple(places), unknown=unknown)
    return dataclasses.replace(made, **more)  # type: ignore[arg-type]


CLIENT = Tier(
    "client", "client", (Leg(("lb",)),), "tsung", 24,
    addresses=tuple(f"10.0.1.{n}" for n in range(1, 25)), bind_mode=BindMode.BIND, connections_max=64_000,
)  # fmt: skip
LB = Tier(
    "lb", "lb", (Leg(("broker",)),), "haproxy", 1, addresses=("10.0.2.1",), ports=(1883,), sources=24, sources_each=4,
    connections_max=2_500_000, cloud="aws",
)  # fmt: skip
BROKER = Tier("broker", "broker", (), "", 6, ports=(1883,), connections_max=200_000)
PAPER = Topology(
    "whitepaper-2019", 1_000_000, 1000, (CLIENT, LB, BROKER), title="Beyond 1 million devices", origin="paper.toml"
)
MEMORY = Unknown(Reason.UNDECIDED, "its memory is not given")


def settings(nofile: int) -> tuple[Setting, ...]:
    return (
        Setting("nofile:service", (nofile, nofile), "descriptors", "each connection is a descriptor"),
        Setting("sysctl:fs.nr_open", nofile, "descriptors", "nofile cannot exceed it"),
        Setting("sysctl:net.ipv4.ip_local_port_range", (1024, 65535), "ports", "each port is a connection"),
    )


def paper(sources: int = 24, each: int = 4, **more: object) -> Sizing:
    """The white paper: one source address and its ports towards each of six brokers, or four of them each."""
    ports = 64_512 * each
    lb = dataclasses.replace(LB, sources=sources, sources_each=each)
    load = -(-1_000_000 // (6 * each))
    plans = (
        plan(
            CLIENT, 41_667, 42,
            bound("cap", "connections_max of client", 64_000, fails="its own limit"),
            bound("ports:lb", "ports lb", 64_512, 32_256, "bind: EADDRINUSE (98)", notes=(SEARCH,)),
            bound("kernel-memory", "kernel memory", MEMORY),
            hops=(Hop("client", ("lb",), 1_000_000, 1, BindMode.BIND, 1024, 65535, 1, 1, 64_512, 32_256, 41_667),),
            settings=settings(41_867),
        ),
        plan(
            lb, 1_000_000, 1000,
            bound(
                "ports:broker", "ports broker", ports * 6, ports * 3, PORTS, notes=(SEARCH,),
                log="Connect() failed for backend …: no free ports.",
                needs=() if each > 2 else (Need("sources", 16, 31, "addresses", "15 more source addresses"),),
            ),
            bound("cap", "connections_max of lb", 2_500_000, fails="its own limit"),
            bound("kernel-memory", "kernel memory", MEMORY),
            hops=(
                Hop(
                    "lb", ("broker",), 1_000_000, 6, BindMode.NO_PORT, 1024, 65535, sources, 6 * each, 64_512, 32_256,
                    load,
                ),
            ),
            settings=settings(2_000_200),
            alone=387_072,
        ),
        plan(
            BROKER, 166_667, 167,
            bound("cap", "connections_max of broker", 200_000, fails="its own limit"),
            settings=settings(166_867),
        ),
    )  # fmt: skip
    aim = dataclasses.replace(PAPER, tiers=(CLIENT, lb, BROKER))
    return sizing(aim, plans, clouds=("Amazon tracks the connections of lb; such an instance has a limit",), **more)
