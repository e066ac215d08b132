"""The time of a line: no younger than its stamp says in any zone, nor than the file that it stands in."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.diagnosis import log_reading, stamps
from hosttune.programs import knowledge

DAY, HALF = 86_400, 43_200
AT = 1_795_000_000  # 2026-11-18 11:06:40 UTC


@pytest.mark.parametrize(
    ("line", "by", "latest"),
    [
        ("2026-11-18T11:06:40Z accept failed", None, AT),
        ("2026-11-18T11:06:40.123456+02:00 accept failed", None, AT - 7200),
        ("2026-11-18 11:06:40 -0500 accept failed", None, AT + 5 * 3600),
        ("2026/11/18 11:06:40 [crit] 7#7: accept4() failed", None, AT + HALF),
        ("Nov 18 11:06:40 lb01 haproxy[812]: x", AT + 5 * DAY, AT + HALF),
        ("Nov 18 11:06:40 lb01 haproxy[812]: x", AT + 300, AT + 300),
        ("Dec 24 11:06:40 lb01 haproxy[812]: x", AT, AT - 330 * DAY + HALF + DAY),
        ("Nov 18 11:06:40 lb01 haproxy[812]: x", None, None),
        ("2026-13-18T11:06:40Z x", AT, AT),
        ("1574: x", AT, AT),
        ("", None, None),
    ],
)
def test_a_stamp_is_read(line: str, by: int | None, latest: int | None) -> None:
    assert stamps.latest(line, by) == latest


@given(st.integers(0, 2**32 - 1), st.integers(-12, 14))
def test_a_line_is_never_taken_for_older_than_it_is(at: int, zone: int) -> None:
    local = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(max(at + zone * 3600, 0)))
    assert (stamps.latest(f"{local} x", None) or 0) >= at
    named = f"{local}{'+' if zone >= 0 else '-'}{abs(zone):02}:00 x"
    assert (stamps.latest(named, None) or 0) >= at


@given(st.text(max_size=60), st.one_of(st.none(), st.integers(0, 2**40)))
def test_any_line_may_be_read(line: str, by: int | None) -> None:
    found = stamps.latest(line, by)
    assert by is None or (found is not None and found <= by)


def test_the_last_line_of_a_kind_counts() -> None:
    text = "2026-11-18T11:06:40Z accept: Too many open files\n2026-11-19T11:06:40Z accept: Too many open files\n"
    (hit,) = log_reading.recognise(text.encode(), knowledge.every(), AT + 9 * DAY)
    assert hit.written == AT + DAY and hit.count == 2
