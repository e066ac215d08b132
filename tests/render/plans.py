"""Plans built by hand: no policy, no reckoning, only the nouns as a sizing would give them."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from hosttune.model import (
    BindMode,
    Bottleneck,
    Bound,
    Fleet,
    FleetTier,
    Hop,
    HostState,
    Leg,
    Machine,
    Reason,
    Remedy,
    Scope,
    Setting,
    Sizing,
    Tier,
    TierPlan,
    Topology,
    Unknown,
    Workload,
)

PORTS = "connect: EADDRNOTAVAIL (99)"
SEARCH = "above 32,256 each connect() scans up to 32,256 ports, about 1.94 ms: 1.9 CPUs at 1,000/s"


def machine(tier: Tier) -> Machine:
    return Machine(
        tier.name, "", "", "", "", tier.cores, tier.memory, tier.memory, "", tier.cloud, "", False, True, True, ""
    )


def bound(
    id: str, name: str, hard: int | Unknown | None, knee: int | None = None, fails: str = "", **more: object
) -> Bound:
    kind, _, of = id.partition(":")
    made = Bound(kind, name, hard, knee, None, "", fails, scope=Scope.BACKEND if of else Scope.HOST, of=of)
    return dataclasses.replace(made, **more)  # type: ignore[arg-type]


def plan(tier: Tier, share: int, rate: int, *bounds: Bound, **more: object) -> TierPlan:
    load = Workload(share, rate)
    made = TierPlan(tier, share * tier.serving, rate * tier.serving, Fraction(1), load, machine(tier), bounds)
    return dataclasses.replace(made, **more)  # type: ignore[arg-type]


def sizing(options: Topology, plans: tuple[TierPlan, ...], **more: object) -> Sizing:
    """Join tiers as a sizing does: every bound that is known is a place, and so is every knee."""
    places = [
        Bottleneck(p.tier.name, b, p.whole(number), knee)
        for p in plans
        for b in p.bounds
        for number, knee in ((b.hard, False), (b.knee, True))
        if isinstance(number, int)
    ]
    places.sort(key=lambda place: (place.knee, place.connections))
    unknown = tuple((p.tier.name, b.name, b.hard) for p in plans for b in p.bounds if isinstance(b.hard, Unknown))
    made = Sizing(options, plans, tuple(places), unknown=unknown)
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
        Setting("nofile:login/root", nofile, "descriptors", "each connection is a descriptor"),
        Setting("memory", 5 << 29, "bytes", "what connections take"),
        Setting("sysctl:net.core.rmem_max", 65_536, "bytes", "the same on every host"),
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
                remedies=() if each > 2 else (Remedy("sources", 16, 31, "addresses", "15 more source addresses"),),
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
            alone=387_072 if sources > 1 else None,
        ),
        plan(
            BROKER, 166_667, 167,
            bound("cap", "connections_max of broker", 200_000, fails="its own limit"),
            settings=settings(166_867),
        ),
    )  # fmt: skip
    options = dataclasses.replace(PAPER, tiers=(CLIENT, lb, BROKER))
    return sizing(options, plans, clouds=("Amazon tracks the connections of lb; such an instance has a limit",), **more)


def fan() -> Sizing:
    """Two first tiers, one of which dials twice more; a load balancer to spare, before two kinds of brokers."""

    def hop(tier: str, to: tuple[str, ...], backends: int, pairs: int, each: int, **more: object) -> Hop:
        made = Hop(tier, to, 0, backends, BindMode.NO_PORT, 1024, 65535, 2, pairs, 64_512, 32_256, each)
        return dataclasses.replace(made, **more)  # type: ignore[arg-type]

    devices = Tier("devices", "client", (Leg(("lb",)),), "tsung", 12, connections=400_000)
    phones = Tier("phones", "client", (Leg(("lb",)), Leg(("store",), 2)), "k6", 6, connections=600_000)
    lb = Tier("lb", "lb", (Leg(("broker", "edge")),), "haproxy", 2, spare=1, cores=16, memory=64 << 30)
    ends = (Tier("broker", "broker", (), "mosquitto", 6), Tier("edge", "broker", (), "emqx", 3))
    store = Tier("store", "app", (), "", 2)
    slow = bound("churn:lb", "TIME_WAIT, lb", 1_075, fails=PORTS, unit="connections/s")
    plans = (
        plan(
            devices, 33_334, 34, bound("ports:lb", "ports lb", 64_512, 32_256), factor=Fraction(2, 5),
            hops=(hop("devices", ("lb",), 1, 1, 33_334),), notes=("taken to bind first",),
        ),
        plan(
            phones, 100_000, 1_100,
            bound("ports:lb", "ports lb", 64_512, 32_256), bound("ports:store", "ports store", 129_024),
            factor=Fraction(3, 5),
            hops=(hop("phones", ("lb",), 1, 1, 100_000), hop("phones", ("store",), 2, 4, 30_000, knee=None)),
        ),
        plan(
            lb, 1_000_000, 1000, bound("ports:broker+edge", "ports broker and edge", 1_161_216, 580_608),
            bound("memory", "memory", 3_000_000), factor=Fraction(1),
            hops=(hop("lb", ("broker", "edge"), 9, 18, 55_556, ports=64_511, listening=(1883,)),),
        ),
        plan(ends[0], 111_112, 112, bound("memory", "memory", MEMORY), factor=Fraction(2, 3)),
        plan(ends[1], 111_112, 112, factor=Fraction(1, 3)),
        plan(store, 600_000, 600, bound("nofile", "nofile", 1_000_000), factor=Fraction(6, 5)),
    )  # fmt: skip
    options = Topology(
        "fan", 1_000_000, 1000, tuple(p.tier for p in plans), hold=1300, headroom=Fraction(1, 10), origin="my fan.toml"
    )
    return sizing(options, plans, rates=(("phones", slow),), warnings=("lb: one host is to spare, and none of store",))


def solved() -> Sizing:
    """The white paper with enough: what was to be found has been found."""
    made = paper(48, 8)
    client = dataclasses.replace(CLIENT, hosts=32, open=frozenset({"hosts"}))
    lb = dataclasses.replace(made.plan("lb").tier, open=frozenset({"sources", "memory"}), memory=24 << 30)
    tiers = {"client": client, "lb": lb}
    plans = []
    for one in made.tiers:
        bounds = tuple(b for b in one.bounds if not isinstance(b.hard, Unknown))
        share = -(-1_000_000 // 32) if one.tier.name == "client" else one.workload.connections
        hops = tuple(dataclasses.replace(hop, each=min(hop.each, share)) for hop in one.hops)
        tier = tiers.get(one.tier.name, one.tier)
        plans.append(plan(tier, share, 32, *bounds, hops=hops, settings=one.settings, alone=one.alone))
    options = dataclasses.replace(made.topology, tiers=tuple(p.tier for p in plans))
    return sizing(options, tuple(plans), solved=True, carried=True)


def fleet() -> Fleet:
    """Some hosts of the white paper, as their reports say they are today."""
    return Fleet(
        sizing=paper(),
        tiers=(
            FleetTier("client", 24, 23, 22, 677_568, 1_447_492, "client-7"),
            FleetTier("lb", 1, 1, 1, 1_548_288, 1_548_288, "lb-1"),
            FleetTier("broker", 6, 6, 5, None, None),
        ),
        waiting=(
            HostState(
                "client-7", "client", "reports/client-7.json", 28_232, "ports lb", 2, 1,
                ("net.ipv4.ip_local_port_range is 32768 60999, needs 1024 65535", "nofile is 1,024, needs 41,867"),
            ),
            HostState("broker-3", "broker", "reports/b3.json", None, problems=("its report is of role lb",)),
        ),
        missing=("client-24",),
        unplaced=("reports/db.json: no tier has its host name or address",),
        reaches=None,
        narrowest="broker: broker-3 is not known",
        read=31,
    )  # fmt: skip
