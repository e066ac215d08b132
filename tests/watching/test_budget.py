"""What watching may cost: costly questions wait until they are paid, and are not asked for nothing."""

from __future__ import annotations

import pytest

from hosttune.watching import budget


def played(cost: dict[str, float], sockets: int, seconds: int, busy: bool = True) -> tuple[dict[str, int], float]:
    """Play so many looks, one a second; return how often each question was asked, and the share that all took."""
    found = budget.Budget({"traffic": 1.0, "pools": 3.0}, 0.0)
    asked: dict[str, int] = {}
    spent = 0.0
    for second in range(seconds):
        found.pass_time(float(second), budget.share(sockets))
        found.spend(0.004)
        spent += 0.004
        signs = dict.fromkeys(cost, second if busy else 0)
        while name := found.next(signs):
            asked[name] = asked.get(name, 0) + 1
            spent += cost[name]
            found.spend(cost[name])
            found.asked(name, cost[name], signs[name], float(second))
    return asked, spent / seconds


@pytest.mark.parametrize(("sockets", "each", "allowed"), [(100_000, 0.1, 0.02), (1_000_000, 1.0, 0.1)])
def test_the_share_of_a_core_stays_below_what_is_promised(sockets: int, each: float, allowed: float) -> None:
    asked, share = played({"traffic": each, "pools": each}, sockets, 600)
    assert share < allowed
    assert asked["pools"] > 1.5 * asked["traffic"] > 10


def test_what_is_cheap_is_asked_at_every_look() -> None:
    asked, _ = played({"traffic": 0.001, "pools": 0.001}, 1_000, 100)
    assert min(asked.values()) > 90


def test_nothing_is_asked_where_nothing_can_have_changed_but_now_and_then() -> None:
    asked, _ = played({"traffic": 0.001, "pools": 0.001}, 1_000, 100, busy=False)
    assert asked == {"traffic": 2, "pools": 2}


def test_what_cannot_have_changed_is_as_good_as_new() -> None:
    found = budget.Budget({"pools": 1.0}, 0.0)
    found.asked("pools", 5.0, "as it was", 0.0)
    found.spend(5.0)
    found.pass_time(10.0, 0.01)
    assert found.next({"pools": "another"}) == "" and found.age("pools", 10.0) == 10.0
    assert found.next({"pools": "as it was"}) == "" and found.age("pools", 10.0) == 0.0


def test_what_another_question_answered_is_not_asked_and_costs_what_that_did_at_most() -> None:
    found = budget.Budget({"traffic": 1.0, "pools": 1.0}, 0.0)
    found.asked("traffic", 2.0, 0, 0.0)
    found.answered("pools", 2.0, 0, 0.0)
    assert found.next({"traffic": 0, "pools": 0}) == ""
    found.spend(2.0)
    found.pass_time(10.0, 0.1)
    assert found.next({"traffic": 0, "pools": 1}) == ""
    found.pass_time(50.0, 0.1)
    assert found.next({"traffic": 0, "pools": 1}) == "pools"


def test_a_cheap_question_does_not_wait_for_a_costly_one() -> None:
    found = budget.Budget({"programs": 1.0, "pools": 5.0}, 0.0)
    found.asked("programs", 0.001, 0, 0.0)
    found.asked("pools", 1.0, 0, 0.0)
    found.spend(1.001)  # the start is not paid back: this is what it has cost
    found.pass_time(1.0, 0.01)
    assert found.next({"programs": 1, "pools": 1}) == "programs"


def test_a_look_that_costs_much_makes_the_interval_longer() -> None:
    assert budget.pace(1.0, 0.005) == 1.0
    assert budget.pace(1.0, 0.5) > 5.0
