"""Servers with limits of their own: the sums of thousands of kinds are those of the kinds one by one."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from hosttune.capacity.classes import Classes
from tests.capacity.test_size import calls

_KINDS = st.lists(st.tuples(st.integers(1, 256), st.none() | st.integers(0, 5000), st.integers(1, 5)), min_size=1)


def made(kinds: list[tuple[int, int | None, int]]) -> Classes:
    whole = sum(weight * count for weight, _, count in kinds)
    return Classes((Fraction(weight, whole), most, count) for weight, most, count in kinds)


@given(_KINDS, st.integers(0, 2_000_000))
def test_the_sums_of_many_kinds_are_those_of_each(kinds: list[tuple[int, int | None, int]], connections: int) -> None:
    """A part of a connection for each server is all that the sums may say too much."""
    few = made(kinds)
    many = Classes([*few, *((Fraction(0), None, 0) for _ in range(500))])
    servers = sum(count for *_, count in kinds)
    assert 0 <= many.carried(connections) - few.carried(connections) <= servers


@given(_KINDS, st.integers(1, 2_000_000))
def test_the_least_that_is_offered(kinds: list[tuple[int, int | None, int]], connections: int) -> None:
    classes = made(kinds)
    offered = classes.offered(connections)
    if classes.carried(offered) >= connections and offered > connections:
        assert classes.carried(offered - 1) < connections


def test_thousands_of_kinds_are_added_up_once() -> None:
    classes = made([(1 + n % 256, 30_000 + n, 1) for n in range(5000)])
    first = calls(lambda: classes.offered(1_000_000))
    assert calls(lambda: [classes.carried(n) for n in range(100)]) < first
    assert calls(lambda: classes.offered(1_000_000)) < 10
