"""Tiers as a graph: a circle is found where there is one, and without one each tier comes after those that dial it."""

from __future__ import annotations

import itertools
from graphlib import CycleError, TopologicalSorter

from hypothesis import given
from hypothesis import strategies as st

from hosttune.model.topology import Leg, Tier
from hosttune.planning.topology import graph

NAMES = "abcdef"
EDGES = st.fixed_dictionaries({name: st.lists(st.sampled_from(NAMES), max_size=2, unique=True) for name in NAMES})


@given(EDGES)
def test_a_circle_is_one_or_there_is_an_order(edges: dict[str, list[str]]) -> None:
    tiers = [Tier(name, "broker", to=(Leg(tuple(to)),)) for name, to in edges.items()]
    circle = graph.cycle(tiers)
    try:
        TopologicalSorter(edges).prepare()
    except CycleError:
        assert circle[0] == circle[-1] and len(set(circle)) == len(circle) - 1
        assert all(after in edges[before] for before, after in itertools.pairwise(circle))
        return
    assert circle == ()
    order = [tier.name for tier in graph.ordered(tiers)]
    assert sorted(order) == list(NAMES)
    assert all(order.index(name) < order.index(to) for name in edges for to in edges[name])


@given(st.permutations(NAMES))
def test_tiers_that_do_not_meet_stay_as_they_came(names: list[str]) -> None:
    assert [tier.name for tier in graph.ordered([Tier(name, "broker") for name in names])] == names
