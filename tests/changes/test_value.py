"""The value to set holds, and is never worse than what is there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hosttune.changes.value import meet, stronger, text
from hosttune.findings.compare import holds
from hosttune.model import Operator, Requirement, Severity, Subject, Value
from hosttune.ports import mask_of

numbers = st.integers(0, 2**40)
triples = st.tuples(numbers, numbers, numbers)
ports = st.lists(st.integers(1, 65535), min_size=1, max_size=8).map(lambda found: ",".join(map(str, found)))
ranges = st.tuples(st.integers(1, 30000), st.integers(30000, 65535))


def requirement(operator: Operator, *wants: Value) -> Requirement:
    return Requirement(Subject("sysctl", "x"), operator, wants, "", "", Severity.ERROR, ())


@given(
    st.sampled_from([Operator.AT_LEAST, Operator.AT_MOST]),
    st.one_of(st.tuples(numbers, numbers), st.tuples(triples, triples)),
)
def test_a_bound_is_met_and_nothing_better_is_lost(operator: Operator, pair: tuple[Value, Value]) -> None:
    want, have = pair
    row = requirement(operator, want)
    got = meet(row, have)
    assert got is not None and holds(row, got)
    assert got == have or not holds(row, have)
    better = [got] if isinstance(got, int) else list(got)
    had = [have] if isinstance(have, int) else list(have)
    assert all(b >= h if operator is Operator.AT_LEAST else b <= h for b, h in zip(better, had, strict=True))
    both = stronger(row, got, want)
    assert holds(row, both)


@given(st.one_of(st.tuples(ports, ports), st.tuples(ranges, ranges)))
def test_what_has_to_be_covered_is_and_what_is_there_stays(pair: tuple[Value, Value]) -> None:
    want, have = pair
    row = requirement(Operator.COVERS, want)
    got = meet(row, have)
    assert got is not None and holds(row, got)
    assert holds(requirement(Operator.COVERS, have), got)
    if isinstance(got, str):
        assert mask_of(text(got)) == mask_of(str(want)) | mask_of(str(have))


@given(numbers, numbers, numbers)
def test_within_two_bounds_the_nearest_is_taken(low: int, size: int, have: int) -> None:
    row = requirement(Operator.BETWEEN, low, low + size)
    assert meet(row, have) == min(max(have, low), low + size)
    assert meet(row, None) in (low, low + size)


@given(st.lists(numbers, min_size=1, max_size=4), numbers)
def test_one_of_several_stays_if_it_is_one(wants: list[int], have: int) -> None:
    row = requirement(Operator.ONE_OF, *wants)
    assert meet(row, have) == (have if have in wants else wants[0])
    assert meet(row, wants[-1]) == wants[-1]


def test_a_negative_number_is_never_better() -> None:
    assert meet(requirement(Operator.AT_LEAST, 4096), -1) == 4096
    assert meet(requirement(Operator.AT_MOST, 60), -1) == 60
