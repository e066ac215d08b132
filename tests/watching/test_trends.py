"""How fast a use grows and when it is full, from its counts alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.watching.trends import SORTS, History, ranked, trend
from tests.watching.made import machine, tick, use


def ramp(first: float, slope: float, looks: int = 10, step: float = 1.0) -> tuple[tuple[float, int], ...]:
    """Return counts that grow by as much a second, the last at looks x step."""
    return tuple((step * n, round(first + slope * step * n)) for n in range(looks))


def test_one_count_gives_no_rate_and_no_time() -> None:
    found = trend(use(10), 0.0, ((1.0, 10),))
    assert (found.rate, found.full_in, found.slow_in) == (None, None, None)


def test_the_time_to_the_knee_and_to_the_limit() -> None:
    counts = ramp(220, 20)
    found = trend(use(400, 1_000, 500), 0.0, counts)
    assert counts[-1][1] == 400 and found.rate == 20.0
    assert found.slow_in == pytest.approx(5.0) and found.full_in is None  # below half of the limit
    assert trend(use(400, 800, 500), 0.0, counts).full_in == pytest.approx(20.0)


def test_nine_looks_give_a_rate_and_no_forecast() -> None:
    found = trend(use(900), 0.0, ramp(740, 20, looks=9))
    assert found.rate == 20.0 and found.full_in is None
    assert trend(use(920), 0.0, ramp(740, 20)).full_in == pytest.approx(4.0)


def test_an_old_count_is_that_much_nearer_to_full_now() -> None:
    assert trend(use(920), 1.5, ramp(740, 20)).full_in == pytest.approx(2.5)


def test_what_shrinks_or_has_no_limit_is_never_full_and_what_is_full_is_full_now() -> None:
    assert trend(use(700), 0.0, ramp(880, -20)).full_in is None
    assert trend(use(920, None), 0.0, ramp(740, 20)).full_in is None
    assert trend(use(1_000), 0.0, ((0.0, 1_000), (10.0, 1_000))).full_in == 0.0


LOOKS = st.integers(min_value=10, max_value=30)


@given(looks=LOOKS, slope=st.integers(min_value=50, max_value=10_000), step=st.sampled_from((0.1, 1.0, 10.0)))
def test_a_straight_ramp_is_full_at_the_right_time(looks: int, slope: int, step: float) -> None:
    counts = ramp(1_000 * slope, slope, looks, step)
    last = counts[-1][1]
    assert trend(use(last, last + 1_000 * slope), 0.0, counts).full_in == pytest.approx(1_000.0, rel=0.05)


@given(looks=LOOKS, at=st.integers(min_value=0, max_value=30), height=st.integers(min_value=-400, max_value=400))
def test_a_constant_or_a_jump_is_no_trend(looks: int, at: int, height: int) -> None:
    counts = tuple((float(n), 500 + (height if n >= at else 0)) for n in range(looks))
    assert trend(use(counts[-1][1]), 0.0, counts).full_in is None


@given(looks=LOOKS, begin=st.integers(0, 30), length=st.integers(1, 15), height=st.integers(1, 400))
def test_what_comes_and_goes_again_is_no_trend(looks: int, begin: int, length: int, height: int) -> None:
    counts = tuple((float(n), 550 + (height if begin <= n < begin + length else 0)) for n in range(looks))
    assert trend(use(counts[-1][1]), 0.0, counts).full_in is None


@given(noise=st.lists(st.integers(min_value=-20, max_value=20), min_size=30, max_size=30))
def test_a_ramp_with_noise_is_full_at_about_the_right_time(noise: list[int]) -> None:
    counts = tuple((float(n), 5_000 + 50 * n + noise[n]) for n in range(30))
    full_in = trend(use(counts[-1][1], 8_000), 0.0, counts).full_in
    assert full_in == pytest.approx((8_000 - counts[-1][1]) / 50, rel=0.15)


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
    soon = trend(use(800, 1_000, None, "c-soon"), 0.0, ramp(80, 80))
    large = trend(use(5_000, 100_000, None, "b-large"), 0.0, ((0.0, 5_000), (1.0, 5_000)))
    first = {sort: ranked([large, soon, near], sort)[0].use.id for sort in SORTS}
    assert first == {"nearness": "a-near", "rate": "c-soon", "use": "b-large", "name": "a-near"}
