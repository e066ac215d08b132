"""Rules that count connections: what they carry, of whom."""

from __future__ import annotations

import dataclasses

from hosttune.capacity import capacity
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound, Unknown
from hosttune.model.filtering import Hook, Matching, Packet
from tests.capacity import filtered

_MQTT = Matching(protocols=("tcp",), ports=((1883, 1883),))


def _counted(facts: CapacityFacts) -> list[Bound]:
    return [bound for bound in capacity(facts) if bound.kind == "ct-count"]


def test_a_rule_carries_its_number() -> None:
    (bound,) = _counted(filtered.facts(filtered.rules(counts=(filtered.counting(60, _MQTT),))))
    assert bound.hard == 60 and "SYN_SENT" in bound.fails
    assert bound.remedies[0].value == 1000


def test_backends_that_meet_it_share_its_number() -> None:
    rules = filtered.rules(counts=(filtered.counting(60, _MQTT),))
    pools = filtered.pool(), filtered.pool(backend=filtered.OTHER)
    assert [bound.hard for bound in _counted(filtered.facts(rules, *pools))] == [60]
    one = Matching(protocols=("tcp",), destinations=("10.77.0.3/32",))
    alone = filtered.rules(counts=(filtered.counting(60, one),))
    assert [bound.hard for bound in _counted(filtered.facts(alone, *pools))] == [120]


def test_what_is_counted_by_source_is_carried_from_each() -> None:
    rules = filtered.rules(counts=(filtered.counting(60, _MQTT, by="source", refuses="reject"),))
    pools = filtered.pool(), filtered.pool("10.77.0.11")
    (bound,) = _counted(filtered.facts(rules, *pools))
    assert bound.hard == 120 and bound.fails == "connect: ECONNREFUSED (111)"
    other = filtered.rules(counts=(filtered.counting(60, _MQTT, by="source/24"),))
    assert [bound.hard for bound in _counted(filtered.facts(other, *pools))] == [None]


def test_rules_of_other_ways_and_ports_are_none() -> None:
    for rule in (
        filtered.counting(60, _MQTT, Hook.FORWARD),
        filtered.counting(60, _MQTT, Hook.INPUT),
        filtered.counting(60, Matching(ports=((443, 443),))),
    ):
        assert not _counted(filtered.facts(filtered.rules(counts=(rule,))))


def test_a_condition_that_is_not_understood_makes_it_unknown() -> None:
    rule = filtered.counting(60, Matching(unknown=("meta cgroup 7",)))
    (bound,) = _counted(filtered.facts(filtered.rules(counts=(rule,))))
    assert isinstance(bound.hard, Unknown) and "meta cgroup 7" in bound.hard.detail


def test_a_gateway_has_those_that_it_passes_on() -> None:
    rules = filtered.rules(counts=(filtered.counting(60, _MQTT, Hook.FORWARD),))
    assert [bound.hard for bound in _counted(filtered.gateway(rules, filtered.BROKER))] == [60]


def test_open_connections_of_other_sources_count_too() -> None:
    rules = filtered.rules(counts=(filtered.counting(60, _MQTT),))
    beside = {Packet("10.77.0.11", "10.77.0.2", port, enters=""): 7 for port in (1883, 1884)}
    (bound,) = _counted(dataclasses.replace(filtered.facts(rules), beside=beside))
    assert (bound.hard, bound.most) == (53, None) and "7 of them" in bound.notes[1]
