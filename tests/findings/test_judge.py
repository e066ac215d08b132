"""The verdict of every combination of layers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.findings.compare import holds
from hosttune.findings.judge import judge
from hosttune.model import Operator, Origin, Reading, Reason, Requirement, Severity, Subject, Unknown, Value, Verdict

KEY = Subject("sysctl", "net.core.somaxconn")
UNSET = Unknown(Reason.UNSET)
FILE = Origin("/etc/sysctl.d/99-sysctl.conf", 12, "4096")
LOSER = Origin("/etc/sysctl.d/90-lb.conf", 3, "65535")


def need(operator: Operator, *wants: Value) -> Requirement:
    return Requirement(KEY, operator, wants, "why", "source", Severity.ERROR, ("lb",))


@pytest.mark.parametrize(
    ("now", "boot", "default", "verdict"),
    [
        (65535, 65535, None, Verdict.OK),
        (65535, UNSET, None, Verdict.UNKNOWN),
        (65535, UNSET, 100_000, Verdict.OK),
        (65535, UNSET, 65535, Verdict.OK),
        (65535, UNSET, 4096, Verdict.DRIFT),
        (65535, 4096, None, Verdict.DRIFT),
        (4096, 65535, None, Verdict.DRIFT),
        (4096, 4096, None, Verdict.FAIL),
        (4096, UNSET, None, Verdict.FAIL),
        (-1, 65535, None, Verdict.FAIL),
        (65535, Unknown(Reason.MODULE), None, Verdict.DRIFT),
        (4096, Unknown(Reason.MODULE), None, Verdict.FAIL),
        (Unknown(Reason.GONE), UNSET, None, Verdict.NOT_APPLICABLE),
        (Unknown(Reason.GONE), 4096, None, Verdict.NOT_APPLICABLE),
        (Unknown(Reason.ABSENT), 65535, None, Verdict.NOT_APPLICABLE),
        (Unknown(Reason.MODULE), 65535, None, Verdict.OK),
        (Unknown(Reason.MODULE), UNSET, None, Verdict.NOT_APPLICABLE),
        *[
            (Unknown(reason), UNSET, None, Verdict.UNKNOWN)
            for reason in (Reason.INVISIBLE, Reason.UNREADABLE, Reason.READ_ONLY, Reason.NOT_RECORDED, Reason.UNDECIDED)
        ],
        (Unknown(Reason.UNDECIDED), 65535, None, Verdict.OK),
        (Unknown(Reason.UNDECIDED), 4096, None, Verdict.FAIL),
    ],
)
def test_both_layers_give_the_verdict(
    now: Value | Unknown, boot: Value | Unknown, default: Value | None, verdict: Verdict
) -> None:
    origin = None if isinstance(boot, Unknown) else FILE
    assert judge(need(Operator.AT_LEAST, 65535), Reading(KEY, now, boot, origin), default).verdict is verdict


@pytest.mark.parametrize(
    ("now", "boot", "in_force"),
    [(65535, 4096, True), (4096, 65535, False), (65535, Unknown(Reason.MODULE), True), (4096, 4096, None)],
)
def test_a_drift_says_whether_it_is_right_now(now: Value, boot: Value | Unknown, in_force: bool | None) -> None:
    assert judge(need(Operator.AT_LEAST, 65535), Reading(KEY, now, boot)).in_force is in_force


def test_a_drift_says_which_line_beats_which() -> None:
    found = judge(need(Operator.AT_LEAST, 65535), Reading(KEY, 65535, 4096, FILE, (LOSER,)))
    assert "4,096 after a boot" in found.because
    assert f"{FILE}, which beats {LOSER}" in found.because


def test_a_negative_value_is_named() -> None:
    assert "negative" in judge(need(Operator.AT_LEAST, 8), Reading(KEY, -1, UNSET)).because


@pytest.mark.parametrize(
    ("operator", "wants", "value", "good"),
    [
        (Operator.AT_LEAST, ((4096, 8192, 16384),), (4096, 8192), False),
        (Operator.AT_LEAST, ((4096, 8192, 16384),), (4096, 8192, 16384), True),
        (Operator.AT_LEAST, (1,), "garbage", False),
        (Operator.BETWEEN, (1, 3), 2, True),
        (Operator.BETWEEN, (1, 3), 4, False),
        (Operator.COVERS, ((1024, 65535),), (32768, 60999), False),
        (Operator.COVERS, ((32768, 60999),), (1024, 65535), True),
        (Operator.COVERS, ("1883,8883",), "1880-1890,8883", True),
        (Operator.COVERS, ("1883,8883",), 1883, False),
        (Operator.COVERS, ("1883",), 1883, True),
        (Operator.ONE_OF, (1, 2), 2, True),
        (Operator.ONE_OF, (1, 2), 0, False),
        (Operator.NOT_BELOW_NOW, (), 5, True),
    ],
)
def test_operators(operator: Operator, wants: tuple[Value, ...], value: Value, good: bool) -> None:
    assert holds(need(operator, *wants), value) is good


@given(st.integers(0, 2**64), st.integers(0, 2**64), st.integers(0, 2**64))
def test_at_least_never_rejects_a_better_value(want: int, have: int, more: int) -> None:
    if holds(need(Operator.AT_LEAST, want), have):
        assert holds(need(Operator.AT_LEAST, want), have + more)


def test_a_drift_to_a_default_names_no_line() -> None:
    found = judge(need(Operator.AT_LEAST, 65535), Reading(KEY, 65535, 4096))
    assert found.because == "65,535 now, but 4,096 after a boot: nothing on disk sets it"
