"""What is found is the least: held against every smaller choice, on topologies small enough to try them all."""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hosttune.errors import UsageError
from hosttune.model import BindMode, Leg, Message, Tier, Topology
from hosttune.planning.sizing import Role, size, solve
from hosttune.planning.sizing.solve import GIB
from tests.planning.sizing import roles

MOST = {"hosts": 7, "sources": 7, "memory": 4}
PER_GIB = GIB // 40  # bytes of a connection, so that memory binds at some forty of them


def carried(topology: Topology, known: dict[str, Role]) -> bool:
    return size(topology, known).carried


def having(topology: Topology, numbers: dict[tuple[str, str], int]) -> Topology:
    tiers = []
    for tier in topology.tiers:
        mine = {n: v * GIB if n == "memory" else v for (t, n), v in numbers.items() if t == tier.name}
        tiers.append(dataclasses.replace(tier, **mine) if mine else tier)  # type: ignore[arg-type]
    return dataclasses.replace(topology, tiers=tuple(tiers))


@st.composite
def chains(draw: st.DrawFn) -> tuple[Topology, dict[str, Role]]:
    """Draw a client tier, a balancer and brokers, two or three numbers of which are open."""
    places = [(t, n) for t in ("client", "lb", "broker") for n in MOST if not (t == "broker" and n == "sources")]
    chosen = draw(st.lists(st.sampled_from(places), min_size=1, max_size=3, unique=True))

    def tier(name: str, to: tuple[Leg, ...], ports: tuple[int, ...]) -> Tier:
        mine = frozenset(n for t, n in chosen if t == name)
        return Tier(
            name,
            name,
            to,
            hosts=None if "hosts" in mine else draw(st.integers(1, 4)),
            sources=None if "sources" in mine else draw(st.integers(1, 4)),
            memory=None if "memory" in mine else draw(st.sampled_from([None, 2 * GIB])),
            application_memory=PER_GIB,
            ports=ports,
            connections_max=draw(st.sampled_from([None, 20, 35])),
            spare=draw(st.sampled_from([0, 0, 1])) if "hosts" in mine else 0,
            open=mine,
        )

    brokers = tuple(range(2000, 2000 + draw(st.integers(1, 2))))
    tiers = (
        tier("client", (Leg(("lb",)),), ()),
        tier("lb", (Leg(("broker",), draw(st.integers(1, 2))),), (1883,)),
        tier("broker", (), brokers),
    )
    topology = Topology(
        "t",
        connections=draw(st.integers(1, 70)),
        rate=draw(st.integers(1, 9)),
        tiers=tiers,
        headroom=Fraction(draw(st.integers(0, 4)), 10),
        below_knee=draw(st.booleans()),
        message=Message(),
    )
    modes = st.sampled_from([BindMode.NO_PORT, BindMode.BIND, BindMode.EXPLICIT])
    known = {name: roles.small(name, draw(modes)) for name in ("client", "lb", "broker")}
    return topology, known


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(chains())
def test_nothing_smaller_carries(drawn: tuple[Topology, dict[str, Role]]) -> None:
    topology, known = drawn
    places = [(t.name, n) for t in topology.tiers for n in sorted(t.open)]
    every = itertools.product(*(range(1, MOST[n] + 1) for _, n in places))
    enough = {numbers for numbers in every if carried(having(topology, dict(zip(places, numbers, strict=True))), known)}
    try:
        found = solve(topology, known)
    except UsageError as error:
        assert not enough, error
        return
    if not carried(found, known):
        # a tier of which nothing is open is too narrow: what is open is found all the same, and the plan says so
        assert not enough
        return
    chosen = []
    for name, what in places:
        value = getattr(found.tier(name), what)
        chosen.append(value // GIB if what == "memory" else value)
    for index in range(len(chosen)):
        fewer = [*chosen]
        fewer[index] -= 1
        if fewer[index] >= 1:
            assert not carried(having(topology, dict(zip(places, fewer, strict=True))), known), (places, chosen, index)
    if all(value <= MOST[what] for value, (_, what) in zip(chosen, places, strict=True)):
        assert tuple(chosen) in enough
    smaller = [n for n in enough if n != tuple(chosen) and all(a <= b for a, b in zip(n, chosen, strict=True))]
    assert not smaller, (places, chosen, smaller)


def test_what_no_number_carries_is_said_in_one_line() -> None:
    tier = Tier("broker", "broker", ports=(1883,), hosts=2, memory=None, open=frozenset({"memory"}), connections_max=5)
    client = Tier("client", "client", (Leg(("broker",)),), hosts=1)
    topology = Topology("t", 11, 1, (client, tier), origin="t.toml")
    known = {name: roles.small(name) for name in ("client", "broker")}
    with pytest.raises(UsageError) as caught:
        solve(topology, known)
    said = "t.toml: [tier.broker]: no number of memory reaches 11 connections: connections_max of broker ends at 10"
    assert str(caught.value) == said


def test_a_share_of_two_open_tiers() -> None:
    """Tiers that share connections are found together: each takes what the other leaves."""
    client = Tier("client", "client", (Leg(("a", "b")),), hosts=30)
    one = Tier("a", "broker", ports=(1,), connections_max=10, open=frozenset({"hosts"}))
    other = Tier("b", "broker", ports=(1,), connections_max=10, hosts=2)
    known = {name: roles.small(name) for name in ("client", "broker")}
    found = solve(Topology("t", 45, 1, (client, one, other)), known)
    assert found.tier("a").hosts == 3


def test_a_tier_grows_for_those_that_dial_it() -> None:
    """A client with one source address has ten ports towards each host of the next tier, and no more."""
    client = Tier("client", "client", (Leg(("broker",)),), hosts=2)
    broker = Tier("broker", "broker", ports=(1,), open=frozenset({"hosts"}))
    known = {"client": roles.small("client", BindMode.EXPLICIT), "broker": roles.small("broker")}
    assert solve(Topology("t", 41, 1, (client, broker)), known).tier("broker").hosts == 3


@pytest.mark.parametrize(("mode", "hosts"), [(BindMode.NO_PORT, 7), (BindMode.CONNECT, 7), (BindMode.BIND, 2)])
def test_more_destinations_where_nothing_else_gives_ports(mode: BindMode, hosts: int) -> None:
    """A balancer of one address has ten ports towards each broker; with bind() no broker brings more of them."""
    client = Tier("client", "client", (Leg(("lb",)),), hosts=30)
    lb = Tier("lb", "lb", (Leg(("broker",)), Leg(("log",))), ports=(1883,), hosts=1, bind_mode=mode)
    tiers = [
        Tier(n, "broker", ports=(1,), connections_max=40, hosts=None, open=frozenset({"hosts"}))
        for n in ("broker", "log")
    ]
    known = {name: roles.small(name) for name in ("client", "lb", "broker")}
    topology = Topology("t", 61, 1, (client, lb, *tiers), below_knee=False)
    found = solve(topology, known)
    assert (found.tier("broker").hosts, found.tier("log").hosts) == (hosts, hosts)
    assert carried(found, known) is (mode is not BindMode.BIND)


def test_a_tier_that_can_have_more_sources_asks_for_no_more_destinations() -> None:
    client = Tier("client", "client", (Leg(("lb",)),), hosts=30)
    lb = Tier("lb", "lb", (Leg(("broker",)),), ports=(1,), hosts=1, sources=None, open=frozenset({"sources"}))
    broker = Tier("broker", "broker", ports=(1,), connections_max=40, hosts=None, open=frozenset({"hosts"}))
    known = {name: roles.small(name) for name in ("client", "lb", "broker")}
    found = solve(Topology("t", 61, 1, (client, lb, broker), below_knee=False), known)
    assert (found.tier("broker").hosts, found.tier("lb").sources) == (2, 4)


def test_a_knee_that_stands_in_the_way_is_called_slow() -> None:
    client = Tier("client", "client", (Leg(("broker",)),), hosts=1, memory=None, open=frozenset({"memory"}))
    broker = Tier("broker", "broker", ports=(1,), hosts=1)
    known = {name: roles.small(name) for name in ("client", "broker")}
    with pytest.raises(UsageError, match=r"reaches 6 connections: ports broker is slow above 5$"):
        solve(Topology("t", 6, 1, (client, broker)), known)
