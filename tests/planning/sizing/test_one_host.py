"""One host of a plan, held against `capacity` of the pools that such a host has: the numbers agree to the last."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from hosttune.capacity import CapacityFacts, capacity
from hosttune.facts.held import Held
from hosttune.facts.pool import Settings, Used, compute
from hosttune.model import BindMode, Leg, Message, Sizing, Tier, Topology
from hosttune.planning.sizing import deploy
from hosttune.ports import mask_of
from tests.planning.sizing import roles

LOW, HIGH = 40000, 40009


@st.composite
def chains(draw: st.DrawFn) -> Sizing:
    mode = draw(st.sampled_from([BindMode.NO_PORT, BindMode.BIND, BindMode.EXPLICIT, BindMode.CONNECT]))
    sources = 1 if mode is BindMode.CONNECT else draw(st.integers(1, 7))
    hosts, spare = draw(st.integers(1, 3)), draw(st.integers(0, 1))
    client = Tier("client", "client", (Leg(("lb",)),), hosts=40, addresses=tuple(f"10.0.0.{i}" for i in range(1, 41)))
    lb = Tier(
        "lb",
        "lb",
        (Leg(("broker", "other") if draw(st.booleans()) else ("broker",), draw(st.integers(1, 3))),),
        hosts=hosts + spare,
        spare=spare,
        addresses=tuple(f"10.0.1.{i}" for i in range(1, hosts + spare + 1)),
        ports=(40003, 1883) if draw(st.booleans()) else (1883,),
        sources=sources,
        sources_each=draw(st.one_of(st.none(), st.integers(1, sources))),
        source_addresses=tuple(f"10.1.0.{i}" for i in range(1, sources * (hosts + spare) + 1)) if sources > 1 else (),
        reserved_ports=draw(st.sampled_from(["", "40003", "40001-40002,50000"])),
        port_range=(LOW, HIGH - draw(st.integers(0, 5))),
        bind_mode=mode,
    )
    behind = [
        Tier(n, "broker", hosts=h, ports=p, addresses=tuple(f"10.{k}.0.{i}" for i in range(1, h + 1)))
        for k, n, h, p in (
            (2, "broker", draw(st.integers(1, 4)), (1883, 1884)[: draw(st.integers(1, 2))]),
            (3, "other", draw(st.integers(1, 2)), (1883,)),
        )
        if n in lb.to[0].tiers
    ]
    topology = Topology(
        "t",
        connections=draw(st.integers(1, 200)),
        rate=draw(st.integers(1, 9)),
        tiers=(client, lb, *behind),
        hold=draw(st.sampled_from([0, 1, 30, 500])),
        headroom=Fraction(0),
        below_knee=False,
        message=Message(),
    )
    return roles.sized(topology, {name: roles.small(name) for name in ("client", "lb", "broker")})


@settings(max_examples=60, deadline=None)
@given(chains())
def test_a_host_has_the_ports_that_its_plan_counts(sizing: Sizing) -> None:
    plan = sizing.plan("lb")
    host = next(h for h in deploy(sizing, ()).hosts if h.tier.name == "lb")
    assert plan.tier.port_range is not None
    low, high = plan.tier.port_range
    mode = plan.workload.bind_mode
    # the listener is not told apart by address in a plan
    held = tuple(Held("0.0.0.0", port, True, False) for port in plan.tier.ports)
    reads = Settings(low, high, mask_of(plan.tier.reserved_ports), 1, True)
    pools = tuple(compute(p.source, p.backend, mode, reads, held, Used()) for p in host.pairs)
    readings = roles.small("lb").readings(plan.machine)
    facts = CapacityFacts(readings, pools, plan.workload, plan.machine)
    real = {b.id: b for b in capacity(facts)}
    (mine,) = (b for b in plan.bounds if b.id.startswith("ports:"))
    each = [b for id, b in real.items() if id.startswith("ports:") and id != "ports:all"] or [real["ports:all"]]
    assert {mine.hard} == {b.hard for b in each} and {mine.knee} == {b.knee for b in each}
    (churn,) = (b for b in plan.bounds if b.id.startswith("churn:"))
    ends = [b for id, b in real.items() if id.startswith("churn:") and id != "churn:all"] or [real["churn:all"]]
    assert {churn.hard} == {b.hard for b in ends}
    assert len(host.pairs) == len(set(host.pairs))
    assert plan.hops[0].pairs == (len(host.sources) if mode is BindMode.BIND else len(host.pairs))
