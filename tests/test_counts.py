"""Numbers as people write them."""

from __future__ import annotations

import pytest

from hosttune import counts


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("1000000", 1_000_000),
        ("1,000,000", 1_000_000),
        ("1_000_000", 1_000_000),
        ("1M", 1_000_000),
        ("1.5M", 1_500_000),
        ("64k", 64_000),
        ("64K", 64_000),
        ("1e6", 1_000_000),
        ("1.5e6", 1_500_000),
        ("1E+3", 1_000),
        (" 7 ", 7),
        ("-5", -5),
    ],
)
def test_a_count(text: str, number: int) -> None:
    assert counts.number(text) == number


@pytest.mark.parametrize(
    "text", ["", "x", "1m", "1G", "1,0000", "1_00", "1k5", "0x10", "1 000", "٣", "1e", "M", "1e999"]
)
def test_what_is_no_count_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="is no number; write 1000000, 1,000,000, 1M or 1e6"):
        counts.number(text)


@pytest.mark.parametrize("text", ["1.0005k", "1.5e0", "1.23456789M"])
def test_a_part_of_one_is_no_count(text: str) -> None:
    with pytest.raises(ValueError, match="is no whole number"):
        counts.number(text)


def test_a_text_without_a_unit_is_not_short_for_another() -> None:
    assert counts.short("443") is None and counts.short("80,443") is None and counts.short("2k") == 2_000


def test_a_value_of_a_toml_file() -> None:
    assert [counts.written(value) for value in ("1M", 1e6, 5, True, 1.5, None)] == [10**6, 10**6, 5, True, 1.5, None]


def test_out_of_bounds_is_said_with_the_bounds() -> None:
    assert counts.within(-5, 1, 10**9) == "-5: must be 1 to 1,000,000,000"
    assert counts.within(-1, 0, 10**8, "seconds") == "-1: must be 0 to 100,000,000 seconds"
    assert counts.within(1, 1, 1) == ""
