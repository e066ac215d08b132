"""How fast a use grows and when it is full, from its counts alone."""

from __future__ import annotations

import pytest

from hosttune.watching.trends import SORTS, History, ranked, trend
from tests.watching.made import machine, tick, use


def test_one_count_gives_no_rate_and_no_time() -> None:
    found = trend(use(10), 0.0, ((1.0, 10),))
    assert (found.rate, found.full_in, found.slow_in) == (None, None, None)


def test_the_time_to_the_knee_and_to_the_limit() -> None:
    found = trend(use(400, 1_000, 500), 0.0, ((0.0, 200), (10.0, 400)))
    assert found.rate == 20.0
    assert found.slow_in == pytest.approx(5.0) and found.full_in == pytest.approx(30.0)


def test_an_old_count_is_that_much_nearer_to_full_now() -> None:
    assert trend(use(400), 4.0, ((0.0, 200), (10.0, 400))).full_in == pytest.approx(26.0)


def test_what_shrinks_or_has_no_limit_is_never_full_and_what_is_full_is_full_now() -> None:
    assert trend(use(300), 0.0, ((0.0, 400), (10.0, 300))).full_in is None
    assert trend(use(300, None), 0.0, ((0.0, 200), (10.0, 300))).full_in is None
    assert trend(use(1_000), 0.0, ((0.0, 1_000), (10.0, 1_000))).full_in == 0.0


def test_a_rate_is_taken_over_some_seconds_and_follows_a_change() -> None:
    history = History(machine())
    for second in range(20):
        view = history.add(tick(float(second), use(100 * second)))
    assert view.trends[0].rate == pytest.approx(100.0)
    for second in range(20, 30):
        view = history.add(tick(float(second), use(1_900)))
    assert view.trends[0].rate == 0.0


def test_a_use_that_was_not_counted_again_does_not_fall_to_no_growth() -> None:
    history = History(machine())
    history.add(tick(0.0, use(100)))
    history.add(tick(2.0, use(300)))
    view = history.add(tick(3.0, use(300), ages={"conntrack": 1.0}))
    assert view.trends[0].rate == pytest.approx(100.0) and view.trends[0].age == 1.0


def test_counters_have_rates_from_the_second_look_on_and_a_boot_begins_anew() -> None:
    history = History(machine())
    assert not history.add(tick(10.0, Tcp_ActiveOpens=100, sockstat_TCP_tw=50)).rates
    view = history.add(tick(12.0, Tcp_ActiveOpens=300, sockstat_TCP_tw=40))
    assert view.rates == {"Tcp.ActiveOpens": 100.0, "sockstat.TCP.tw": -5.0}
    assert not history.add(tick(1.0, Tcp_ActiveOpens=5)).rates


def test_drops_are_counted_once_and_named() -> None:
    history = History(machine())
    before = {"TcpExt_ListenDrops": 0, "TcpExt_ListenOverflows": 0, "softnet_dropped": 0}
    history.add(tick(0.0, **before))
    view = history.add(tick(1.0, TcpExt_ListenDrops=10, TcpExt_ListenOverflows=10, softnet_dropped=1))
    assert view.drops == 11.0 and "accept queue full" in view.dropping


def test_a_limit_that_is_raised_shows_for_a_while() -> None:
    history = History(machine())
    history.add(tick(0.0, use(900, 1_000)))
    view = history.add(tick(1.0, use(900, 2_000)))
    assert view.changes == ("the limit of the conntrack was 1,000 and is 2,000 now",)
    assert history.add(tick(30.0, use(900, 2_000))).changes
    assert not history.add(tick(120.0, use(900, 2_000))).changes


def test_each_order_puts_first_what_it_is_named_after() -> None:
    near = trend(use(950, 1_000, None, "a-near"), 0.0, ((0.0, 950), (1.0, 950)))
    soon = trend(use(500, 1_000, None, "c-soon"), 0.0, ((0.0, 100), (1.0, 500)))
    large = trend(use(5_000, 100_000, None, "b-large"), 0.0, ((0.0, 5_000), (1.0, 5_000)))
    first = {sort: ranked([large, soon, near], sort)[0].use.id for sort in SORTS}
    assert first == {"nearness": "a-near", "rate": "c-soon", "use": "b-large", "name": "a-near"}
