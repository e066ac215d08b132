"""Times and sizes are numbers, or one clear line."""

from __future__ import annotations

import pytest

from hosttune.errors import UsageError
from hosttune.terminal import amounts


@pytest.mark.parametrize(
    ("text", "seconds"), [("10s", 10), ("1m", 60), ("1h", 3600), ("300ms", 0.3), ("0.5", 0.5), (" 2 s ", 2)]
)
def test_a_time_is_in_seconds(text: str, seconds: float) -> None:
    assert amounts.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1s", "61m", "1d", "s", "nan", "1e3", "٣s"])
def test_another_time_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--for .*: (not a duration; )?at most 1h, such as 10s or 1m$"):
        amounts.seconds(text)


def test_a_time_may_have_bounds_of_its_own() -> None:
    assert amounts.seconds("2h", "--for", most=amounts.WEEK) == 7200
    with pytest.raises(UsageError, match="--budget 500ms: 1s to 1h, such as 30s or 2m"):
        amounts.seconds("500ms", "--budget", least=1.0)


@pytest.mark.parametrize(
    ("text", "size"), [("128K", 128 << 10), ("64M", 64 << 20), ("1 MiB", 1 << 20), ("200000", 200_000)]
)
def test_a_size_is_in_bytes(text: str, size: int) -> None:
    assert amounts.a_size("--max-size", 128 << 10, 64 << 20)(text) == size


@pytest.mark.parametrize("text", ["", "1K", "65M", "-1", "M", "1T"])
def test_another_size_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--max-size .*: (not a size; )?128K to 64M, such as 8M$"):
        amounts.size(text, "--max-size", 128 << 10, 64 << 20)


def test_a_default_is_a_number_already() -> None:
    assert amounts.a_time("--for")(0.0) == 0.0 and amounts.a_size("--max-size", 1, 2)(64) == 64
