"""Backwards and forwards agree: what reaches the target reaches it, and one step less does not."""

from __future__ import annotations

import dataclasses

from hypothesis import HealthCheck, assume, given, settings

from hosttune.capacity import capacity, reaching, remedies
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound
from tests.capacity.world import hosts, lowered, meet

_SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def below(facts: CapacityFacts) -> list[Bound]:
    return [b for b in capacity(facts) if reaching.below(b, facts.workload)]


@_SETTINGS
@given(hosts())
def test_what_is_named_reaches_the_target_and_one_step_less_does_not(facts: CapacityFacts) -> None:
    # a host whose ports are all reserved, or whose target no process can hold, cannot be helped
    assume(all(bound.remedies for bound in below(facts)))
    needs = remedies(facts)
    assert below(meet(facts, needs)) == []
    for need in needs:
        less = lowered(need)
        others = [other for other in needs if other is not need]
        assert below(meet(facts, [*others, less] if less else others)), need


@_SETTINGS
@given(hosts())
def test_nothing_is_named_twice_and_nothing_where_all_is_carried(facts: CapacityFacts) -> None:
    needs = remedies(facts)
    assert len({need.subject for need in needs}) == len(needs)
    assert bool(below(facts)) or not needs


@_SETTINGS
@given(hosts())
def test_what_is_carried_can_be_asked_for(facts: CapacityFacts) -> None:
    """The hard limit is exact: a workload of that many connections meets no bound of refusal, one more meets it."""
    # a neighbour without an entry stops the share of its connections, whatever their number
    found = [b for b in capacity(facts) if b.unit == "connections" and isinstance(b.hard, int) and b.id != "neighbours"]
    assume(found and found[0].hard)
    hard = found[0].hard
    assert isinstance(hard, int)
    for wanted, short in ((hard, False), (hard + 1, True)):
        load = dataclasses.replace(facts.workload, connections=wanted)
        again = capacity(dataclasses.replace(facts, workload=load))
        same = [b for b in again if b.id == found[0].id and isinstance(b.hard, int)]
        assert bool(same) and (same[0].hard < wanted) is short
