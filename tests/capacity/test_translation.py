"""Source NAT: the search for a port against a simulation of it, and what rules leave of the port pools."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.capacity import capacity, translation
from hosttune.capacity.bounds import nat
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound, Reason, Unknown
from hosttune.model.filtering import Hook, Matching, Packet, Ruleset, Translated, Translation, Untracked
from hosttune.ports import span
from tests.capacity import filtered, searching

_AWAY = Matching(protocols=("tcp",), sources=("172.17.0.0/16",), excepts=(Matching(leaves=("docker0",)),))


def _nat(facts: CapacityFacts) -> list[Bound]:
    return [bound for bound in capacity(facts) if bound.kind == "nat"]


def _all(facts: CapacityFacts) -> Bound:
    return next(bound for bound in capacity(facts) if bound.id == "ports:all")


@pytest.mark.parametrize("ports", [50, 128, 129, 200, 500, 1000, 2000])
def test_the_first_loss_is_that_of_a_simulation(ports: int) -> None:
    least, middle, most = searching.shares(ports, runs=100, seed=7)
    low, half, high = translation.first_loss(ports)
    assert low <= half <= high <= ports
    assert abs(low - least) <= 0.02 * ports and abs(half - middle) <= 0.01 * ports and abs(high - most) <= 0.01 * ports


@pytest.mark.parametrize(
    ("ports", "measured"), [(50, 50), (100, 100), (128, 128), (129, 129), (200, 200), (500, 486), (5000, 4660)]
)
def test_the_first_loss_takes_in_what_was_measured(ports: int, measured: int) -> None:
    low, _, high = translation.first_loss(ports)
    assert low <= measured <= high


@given(st.integers(1, 65_535))
def test_no_connection_is_lost_while_all_ports_are_looked_at(ports: int) -> None:
    low, half, high = translation.first_loss(ports)
    assert 0 < low <= half <= high <= ports
    assert ports > translation.WINDOW or low == ports


@given(st.integers(0, 255), st.integers(0, 255), st.integers(1, 200), st.booleans())
def test_a_source_is_given_one_address_of_a_range(one: int, other: int, count: int, persistent: bool) -> None:
    last = f"10.9.0.{count}"
    rule = Translation("r", Matching(), addresses=(("10.9.0.1", last),), persistent=persistent)
    given_ = translation.address(rule, f"10.1.0.{one}", f"10.2.0.{other}")
    assert given_ is not None and translation.gives(rule, given_)
    if persistent:
        assert given_ == translation.address(rule, f"10.1.0.{one}", "10.3.0.9")


@pytest.mark.parametrize(
    ("rule", "carried"),
    [
        (filtered.masquerade(20000, 20049), 50),
        (filtered.masquerade(20000, 20099), 100),
        (filtered.masquerade(20000, 20049, addresses=(("10.77.0.1", "10.77.0.1"),)), 50),
        (filtered.masquerade(), 200),
        (filtered.masquerade(fully_random=True), 200),
        (filtered.masquerade(20000, 20999), 200),
        (filtered.masquerade(20000, 20049, matching=Matching(leaves=("d0",))), 200),
        (filtered.masquerade(20000, 20049, matching=Matching(family=10)), 200),
        (filtered.masquerade(20000, 20049, matching=Matching(destinations=("10.78.0.0/16",))), 200),
        (filtered.masquerade(20000, 20049, matching=Matching(ports=((443, 443),))), 200),
        (filtered.masquerade(20000, 20049, matching=_AWAY), 200),
        (filtered.masquerade(20000, 20049, hook=Hook.INPUT), 200),
        (filtered.masquerade(20000, 20049, one_to_one=True), 200),
    ],
)
def test_a_rule_narrows_the_pool_that_meets_it(rule: Translation, carried: int) -> None:
    facts = filtered.facts(filtered.rules(rule))
    assert _all(facts).hard == carried
    bounds = _nat(facts)
    assert [bound.hard for bound in bounds] == ([carried] if carried < 200 else [])
    assert all(bound.fails == nat.FAILS and bound.knee is None for bound in bounds)


def test_the_first_rule_that_is_met_decides() -> None:
    narrow, wide = filtered.masquerade(20000, 20049, where="narrow"), filtered.masquerade(where="wide")
    assert _nat(filtered.facts(filtered.rules(wide, narrow))) == []
    assert [bound.hard for bound in _nat(filtered.facts(filtered.rules(narrow, wide)))] == [50]


@pytest.mark.parametrize(
    ("left_out", "met"),
    [
        (Matching(ports=((1883, 1883),)), [None]),
        (Matching(ports=((1884, 1884),)), ["r"]),
        (Matching(source_ports=((1, 9),)), ["r", None]),
    ],
)
def test_what_is_not_tracked_is_not_translated(left_out: Matching, met: list[str | None]) -> None:
    rules = Ruleset((Translation("r", Matching()),), untracked=(Untracked("u", left_out, Hook.OUTPUT),))
    found = translation.outcomes(rules, Packet("10.0.0.1", "10.0.0.2", 1883, enters=""))
    assert [outcome.rule and outcome.rule.where for outcome in found] == met


def test_what_is_not_understood_of_a_rule_makes_a_range() -> None:
    rule = filtered.masquerade(20000, 20049, matching=Matching(unknown=("meta cgroup 7",)))
    facts = filtered.facts(filtered.rules(rule))
    (bound,) = _nat(facts)
    assert (bound.hard, bound.most) == (50, 200)
    assert "may apply: meta cgroup 7" in bound.notes[0]
    outcomes = translation.outcomes(filtered.rules(rule), Packet(destination="10.77.0.2"))
    assert [(outcome.rule, outcome.certain) for outcome in outcomes] == [(rule, False), (None, False)]


def test_sources_that_are_given_one_address_share_its_ports() -> None:
    pools = [filtered.pool(f"10.77.0.{n}") for n in (1, 11, 12)]
    one = filtered.masquerade(20000, 20299, addresses=(("10.77.0.1", "10.77.0.1"),))
    assert _all(filtered.facts(filtered.rules(one), *pools)).hard == 300
    (bound,) = _nat(filtered.facts(filtered.rules(one), *pools))
    assert (bound.hard, bound.knee) == (300, translation.first_loss(300)[0])


def test_the_narrowed_backend_is_full_first_and_the_others_are_not() -> None:
    pools = filtered.pool(), filtered.pool(backend=filtered.OTHER)
    rule = filtered.masquerade(20000, 20049, matching=Matching(destinations=("10.77.0.2/32",)))
    facts = filtered.facts(filtered.rules(rule), *pools)
    (bound,) = _nat(facts)
    assert bound.of == "10.77.0.2:1883" and bound.hard == 100  # half of the connections go there
    assert _all(facts).hard == 250


def test_forwarded_connections_take_ports_and_own_ones_do_not() -> None:
    rule = filtered.rules(filtered.masquerade(20000, 20099))
    used = (Translated("10.77.0.1", "10.77.0.2", 1883, own=span(20000, 20019), forwarded=span(20020, 20049)),)
    (bound,) = _nat(filtered.facts(rule, filtered.pool(open_=20), translated=used))
    assert (bound.hard, bound.used) == (70, 20)
    idle = filtered.facts(rule, filtered.pool(), translated=())
    assert _nat(idle)[0].hard == 100


def test_a_rule_of_a_thousand_ports_loses_syns_before_it_is_full() -> None:
    facts = filtered.facts(filtered.rules(filtered.masquerade(20000, 20999)), filtered.pool(ports=20_000))
    (bound,) = _nat(facts)
    assert bound.hard == 1000 and bound.knee is not None and 890 <= bound.knee <= 930
    assert "retransmitted after 1 s" in bound.notes[0]


def test_rules_that_cannot_be_read_are_said_once_and_only_where_they_matter() -> None:
    why = Unknown(Reason.UNREADABLE, "nftables: Operation not permitted; run as root")
    (bound,) = _nat(filtered.facts(why))
    assert isinstance(bound.hard, Unknown) and "run as root" in bound.hard.detail
    untracked = dataclasses.replace(filtered.MACHINE, conntrack=False)
    assert not _nat(dataclasses.replace(filtered.facts(why), machine=untracked))
    assert not _nat(filtered.facts(why, workload={"tuples_per_connection": 0}))


def test_a_gateway_has_the_ports_of_each_rule_and_no_bound_of_sockets() -> None:
    facts = filtered.gateway(filtered.rules(filtered.masquerade(20000, 20099)), filtered.BROKER)
    used = (
        Translated(
            "10.2.0.1", "10.77.0.2", 1883, forwarded=span(20000, 20029) | span(9, 99), closed=span(20040, 20050)
        ),
    )
    (bound,) = _nat(dataclasses.replace(facts, translated=used))
    assert (bound.hard, bound.most, bound.used, bound.of) == (100, None, 30, "10.77.0.2:1883")
    assert (bound.remedies[0].value, bound.remedies[0].unit) == (1000, "ports")
    kinds = {each.kind for each in capacity(facts)}
    assert not kinds & {"nofile", "nr-open", "file-max", "epoll-watches", "tcp-mem", "ports", "churn", "orphans"}


def test_a_gateway_with_several_addresses_gives_each_client_one_of_them() -> None:
    rule = filtered.masquerade(20000, 20099, addresses=(("10.9.0.1", "10.9.0.4"),))
    (bound,) = _nat(filtered.gateway(filtered.rules(rule), filtered.BROKER))
    assert (bound.hard, bound.most) == (100, 400)


def test_rules_of_several_networks_are_bounds_of_their_own() -> None:
    inside = filtered.masquerade(20000, 20099, where="a", matching=Matching(sources=("10.1.0.0/24",)))
    rest = filtered.masquerade(where="b")
    bounds = _nat(filtered.gateway(filtered.rules(inside, rest), filtered.BROKER))
    assert [(bound.of, bound.hard) for bound in bounds] == [("10.77.0.2:1883 a", 100), ("10.77.0.2:1883 b", 64_512)]


def test_before_linux_6_5_closed_connections_keep_their_ports() -> None:
    rule = filtered.rules(filtered.masquerade(20000, 20099))
    facts = filtered.facts(rule, workload={"connections": 90, "rate": 10, "hold": 9})
    old = dataclasses.replace(facts, machine=dataclasses.replace(filtered.MACHINE, kernel="6.1.176"))
    (rate,) = [bound for bound in capacity(old) if bound.kind == "nat-churn"]
    assert rate.unit == "connections/s" and rate.hard == 0  # 100 ports in 120 s
    assert not [bound for bound in capacity(facts) if bound.kind == "nat-churn"]
    assert _nat(old)[0].hard < _nat(facts)[0].hard == 100  # type: ignore[operator]
