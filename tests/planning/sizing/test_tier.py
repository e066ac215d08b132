"""Single tiers of a plan, held against what the kernel facts give for one host."""

from __future__ import annotations

import dataclasses

import pytest

from hosttune.model import BindMode, Leg, Machine, Message, Setting, Tier, TierPlan, Topology, Workload
from hosttune.planning.sizing import Role
from tests.planning.sizing import roles

SOCKET, POINTER, ENTRY = 4190, 8, 256 + 8  # bytes: a socket, its slot in the descriptor table, a tracked connection


def chain(lb: Tier, **of_topology: int) -> Topology:
    client = Tier("client", "client", (Leg(("lb",)),), hosts=30)
    behind = (Tier("broker", "broker", ports=(1883,), hosts=6), Tier("log", "broker", ports=(5000,), hosts=1))
    used = tuple(tier for tier in behind if any(tier.name in leg.tiers for leg in lb.to))
    return Topology("t", 100_000, 1_000, (client, lb, *used), message=Message(), **of_topology)  # type: ignore[arg-type]


def balancer(*to: Leg, **more: object) -> Tier:
    return Tier("lb", "lb", to or (Leg(("broker",)), Leg(("log",))), ports=(1883,), hosts=1, **more)  # type: ignore[arg-type]


def planned(lb: Tier, **of_topology: int) -> TierPlan:
    return roles.planned(chain(lb, **of_topology)).plan("lb")


@pytest.mark.parametrize("hold", [0, 100])
def test_what_tracks_takes_memory_and_is_not_the_programs(hold: int) -> None:
    """A closed connection stays in the table for 120 s: 100,000 that live 100 s each leave 120,000 a side."""
    plan = planned(balancer(Leg(("broker",)), memory=8 << 30, conntrack=True), hold=hold)
    (bound,) = (b for b in plan.bounds if b.id.endswith("memory"))
    each = 2 * (SOCKET + POINTER + ENTRY)
    closed = 2 * 120_000 * ENTRY if hold else 0
    assert (bound.id, bound.hard) == ("kernel-memory", ((8 << 30) - closed) // each)
    assert "comes on top" in bound.notes[0] and f"{2 * ENTRY} of them" in bound.reads
    (memory,) = (s for s in plan.settings if s.subject == "memory")
    assert memory.value == 100_000 * each + closed


@pytest.mark.parametrize(
    ("ports", "mode", "said"),
    [
        ((1024, 65534), None, "1024-65534 has an odd number of ports"),
        ((1025, 65535), BindMode.BIND, "1026-65535 has an even one"),
        ((1024, 65534), BindMode.EXPLICIT, ""),
        ((1024, 65535), None, ""),
        ((5000, 5000), None, ""),  # a range of one port is not made even
    ],
)
def test_the_last_port_of_an_odd_range(ports: tuple[int, int], mode: BindMode | None, said: str) -> None:
    sizing = roles.planned(chain(balancer(port_range=ports, bind_mode=mode)))
    told = [line for line in sizing.warnings if "odd number" in line]
    assert bool(told) is bool(said) and all(said in line for line in told)


def test_what_two_legs_share_is_said_once() -> None:
    warnings = roles.planned(chain(balancer())).warnings
    assert sum("it listens on 1883" in line for line in warnings) == 1 and len(set(warnings)) == len(warnings)


@pytest.mark.parametrize("mode", [None, BindMode.BIND])
def test_a_host_takes_the_ports_that_its_plan_counts_on(mode: BindMode | None) -> None:
    plan = planned(balancer(port_range=(20000, 29999), reserved_ports="25000,1883", bind_mode=mode))
    told = [(s.subject.rpartition(".")[2], s.value) for s in plan.settings if ".ip_local_" in s.subject]
    assert sorted(told) == [("ip_local_port_range", (20000, 29999)), ("ip_local_reserved_ports", "1883,25000")]
    apart = planned(balancer(port_range=(20000, 29999), bind_mode=mode))
    assert "sysctl:net.ipv4.ip_local_reserved_ports" not in [s.subject for s in apart.settings]
    # the port on which it listens lies within the range that the role asks for
    own = next(s.value for s in planned(balancer(bind_mode=mode)).settings if s.subject.endswith("reserved_ports"))
    assert own == "1883"


def test_a_tier_is_planned_twice_at_most() -> None:
    """Once as it is, once with one source address: 64 tiers took half a minute when each planned all others anew."""
    calls: list[str] = []

    def counted(role: Role) -> Role:
        def wants(load: Workload, machine: Machine, processes: int) -> tuple[Setting, ...]:
            calls.append(role.name)
            return ()

        return dataclasses.replace(role, wants=wants)

    topology = chain(balancer(sources=4))
    known = {name: counted(role) for name, role in roles.shipped(topology).items()}
    sizing = roles.sized(topology, known)
    assert calls.count("lb") == 2 and calls.count("client") == 1 and calls.count("broker") == 2
    assert sizing.plan("lb").alone == 65535 - 1024 + 1 - 1  # less 1883, towards the one log
