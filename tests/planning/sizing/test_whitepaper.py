"""The white paper's own figures come out of its topology."""

from __future__ import annotations

import pytest

from hosttune.model import BindMode
from hosttune.planning.sizing import deploy, solve
from hosttune.planning.topology import load
from tests.planning.sizing import roles

PORTS = 65535 - 1024 + 1
LB_PORTS = PORTS - 1  # less 1883, on which it listens


def least(*overrides: str) -> tuple[str, str, int]:
    place = next(p for p in roles.planned(load.load("whitepaper-2019", overrides)).bottlenecks if not p.knee)
    return place.tier, place.bound.id, place.connections


def test_its_arithmetic() -> None:
    sizing = roles.planned(load.load("whitepaper-2019"))
    whole = {(p.tier, p.bound.id, p.knee): p.connections for p in sizing.bottlenecks}
    assert whole["client", "cap", False] == 24 * 64_000 == 1_536_000
    assert whole["client", "ports:lb", False] == 24 * PORTS
    assert whole["lb", "ports:broker", False] == 24 * LB_PORTS
    assert whole["lb", "ports:broker", True] == 24 * 32_256 < 1_000_000  # the even ports: 1883 is odd
    assert whole["broker", "cap", False] == 6 * 200_000
    hop = sizing.plan("lb").hops[0]
    assert (hop.in_range, hop.ports, hop.listening) == (64_512, 64_511, (1883,))
    assert (hop.pairs, hop.each) == (24, 41_667)
    assert not sizing.carried
    assert sizing.plan("client").hops[0].mode is BindMode.BIND


def test_what_stopped_first() -> None:
    assert least("lb.sources=1") == ("lb", "ports:broker", 6 * LB_PORTS)
    assert roles.planned(load.load("whitepaper-2019")).plan("lb").alone == 6 * LB_PORTS


@pytest.mark.parametrize(("tracked", "carried"), [(240_000, 120_000), (1_400_000, 700_000)])
def test_the_cloud_stopped_it_next(tracked: int, carried: int) -> None:
    assert least(f"lb.tracked_max={tracked}") == ("lb", "cloud", carried)


def test_what_would_have_been_enough() -> None:
    opened = load.load("whitepaper-2019", ("lb.sources=?", "client.sources=?", "client.addresses=[]"))
    found = solve(opened, roles.shipped(opened))
    assert found.tier("lb").sources == 6  # towards every broker, not 24 of which each serves one
    assert found.tier("client").sources == 2
    assert roles.planned(found).carried
    hard = load.load("whitepaper-2019", ("lb.sources=?", "below_knee=false"))
    assert solve(hard, roles.shipped(hard)).tier("lb").sources == 3


def test_hosts_have_the_pairs_of_the_paper() -> None:
    deployment = deploy(roles.planned(load.load("whitepaper-2019")), ())
    (balancer,) = deployment.of("lb")
    assert len(balancer.pairs) == 24 == len({pair.source for pair in balancer.pairs})
    assert [len(b.sources) for b in balancer.workload.backends] == [4] * 6
    assert [len(deployment.of(t)) for t in ("client", "lb", "broker")] == [24, 1, 6]
