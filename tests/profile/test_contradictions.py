"""Roles are refused together exactly where no value serves all of them."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.errors import ProfileError
from hosttune.findings.compare import holds
from hosttune.model import Operator, Requirement, Severity, Subject, Value
from hosttune.profile import contradictions, load, merge
from tests.profile.test_shipped import MACHINE

SMALL = st.integers(0, 4)
PAIR = st.tuples(SMALL, SMALL)


def need(operator: Operator, wants: tuple[Value, ...], waived: str = "") -> Requirement:
    subject = Subject("sysctl", "a.b")
    return Requirement(subject, operator, wants, "w", "s", Severity.ERROR, ("r",), waived=waived, origin=operator)


def rows(value: st.SearchStrategy[Value], *more: Operator) -> st.SearchStrategy[list[Requirement]]:
    """Return requirements on one subject, at most one of an operator, as merging leaves them."""
    one = st.sampled_from([Operator.EQUALS, Operator.AT_LEAST, Operator.AT_MOST, *more])
    single = st.builds(need, one, value.map(lambda v: (v,)))
    several = st.builds(need, st.just(Operator.ONE_OF), st.lists(value, min_size=1, max_size=3).map(tuple))
    both = st.builds(need, st.just(Operator.BETWEEN), st.tuples(value, value))
    return st.lists(single | several | both, min_size=1, max_size=4, unique_by=lambda row: row.operator)


def refused(asked: list[Requirement]) -> bool:
    try:
        contradictions.refuse(asked)
    except ProfileError as error:
        assert "\n" not in str(error) and "a.b" in str(error)
        return True
    return False


@given(rows(SMALL))
def test_of_numbers(asked: list[Requirement]) -> None:
    possible = any(all(holds(row, value) for row in asked) for value in range(5))
    assert refused(asked) == (not possible and len(asked) > 1)


@given(rows(PAIR, Operator.COVERS))
def test_of_pairs(asked: list[Requirement]) -> None:
    values = itertools.product(range(5), repeat=2)
    possible = any(all(holds(row, value) for row in asked) for value in values)
    assert refused(asked) == (not possible and len(asked) > 1)


def test_of_lists_of_ports() -> None:
    covers = need(Operator.COVERS, ("1883,8883",))
    assert refused([covers, need(Operator.EQUALS, ("1883",))])
    assert not refused([covers, need(Operator.EQUALS, ("1880-9000",))])


def test_what_is_waived_or_cannot_be_told_contradicts_nothing() -> None:
    least = need(Operator.AT_LEAST, (5,))
    assert not refused([least, need(Operator.EQUALS, (4,), waived="the vendor sets it")])
    assert not refused([least, need(Operator.EQUALS, ())])
    assert not refused([least, need(Operator.NOT_BELOW_NOW, ())])


def test_roles_that_ship_name_the_two_rows(tmp_path: Path) -> None:
    (tmp_path / "slow.toml").write_text(
        """
        [profile]
        name = "slow"
        title = "t"
        [[require]]
        subject = "sysctl:net.ipv4.tcp_rmem"
        operator = "equals"
        value = [4096, 16384, 65536]
        why = "w"
        source = "s"
        """
    )
    profiles = [load.load("lb"), load.load_file(tmp_path / "slow.toml")]
    with pytest.raises(ProfileError, match=r"tcp_rmem: .*toml: require \d+ needs at least 4096 65535 .* equals 4096"):
        merge.requirements(profiles, merge.workload(profiles), MACHINE)
