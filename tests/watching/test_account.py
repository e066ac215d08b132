"""What a record comes to: figures over time, maxima, bounds that moved, gaps that are no line."""

from __future__ import annotations

from hosttune.model import Account, Record, Run, Series
from hosttune.watching.account import account
from tests.watching.made import tick, use

RUN = Run(1_000_000_000.0, "lb01", "Debian 12", "6.1", 8, 1 << 34, 1.0, "hosttune watch")


def of(found: Account, id: str) -> Series:
    return next(one for chart in found.charts for one in chart.series if one.id == id)


def test_the_maximum_its_time_and_the_bound_of_a_use() -> None:
    ticks = tuple(tick(float(n), use(min(n, 20 - n) * 10, 1_000 if n < 15 else 200, 50)) for n in range(21))
    one = of(account(Record((RUN,), ticks)), "conntrack")
    assert (one.most, one.most_at) == (100, 10.0)
    assert one.limits == ((0.0, 1_000), (15.0, 200)) and one.limit == 200 and one.knee == 50
    assert one.closest == 0.25  # 50 of 200 at 15 s, where 100 of 1,000 was further away


def test_a_counter_is_a_rate_and_a_boot_no_negative_one() -> None:
    ticks = (tick(10.0, Tcp_RetransSegs=5), tick(12.0, Tcp_RetransSegs=25), tick(13.0, Tcp_RetransSegs=0))
    one = of(account(Record((RUN,), ticks)), "Tcp.RetransSegs")
    assert [value for _, value in one.points] == [10.0, 0.0] and one.most == 10.0


def test_a_gap_breaks_the_line() -> None:
    times = [*range(10), *range(100, 110)]
    one = of(account(Record((RUN,), tuple(tick(float(n), use(n)) for n in times))), "conntrack")
    assert [at for at, value in one.points if value is None] == [100.0]


def test_a_past_that_was_thinned_out_is_no_gap() -> None:
    times = [*range(0, 64, 8), *range(64, 96, 4), *range(96, 120)]
    one = of(account(Record((RUN,), tuple(tick(float(n), use(n)) for n in times))), "conntrack")
    assert all(value is not None for _, value in one.points)


def test_the_fullest_are_shown_and_the_others_counted() -> None:
    pools = [use(n, 1_000, None, f"ports:a->b:{n}") for n in range(20)]
    found = account(Record((RUN,), (tick(0.0, *pools), tick(1.0, *pools))))
    chart = next(one for one in found.charts if one.title.startswith("Ports"))
    assert [one.id for one in chart.series][:2] == ["ports:a->b:19", "ports:a->b:18"]
    assert len(chart.series) + chart.more == 20


def test_a_limit_that_changed_is_said() -> None:
    ticks = (tick(0.0, use(1)), tick(3.0, use(1, None)))
    assert account(Record((RUN,), ticks)).changes == ("after 3 s the limit of the conntrack was 1,000 and is none",)
