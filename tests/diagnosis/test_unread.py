"""What of a log is not understood is shown, the last lines that look like errors, and is taken for nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hosttune.diagnosis import diagnose, log_reading, unread
from hosttune.model import Conclusion, GivenLog
from hosttune.programs import knowledge
from tests.diagnosis.given import clues

KNOWN = log_reading.knows(knowledge.every())
DRAINED = "mqttd: ERROR cannot take client 7412: resource pool drained"


def read(*lines: str, whole: bool = True) -> GivenLog:
    return unread.unread("a.log", "\n".join(lines).encode(), KNOWN, whole)


@pytest.mark.parametrize(
    "line",
    [
        DRAINED,
        "E1129 08:10:11.123456 812 pool.go:41] pool is full",
        '{"ts":1,"level":"error","msg":"pool is full"}',
        "level=warn msg=full",
        "gatewayd: could not hand out a slot",
        "gatewayd: queue overflowed",
        "<3>gatewayd: pool is full",
        "08:10 [E] pool is full",
        "gatewayd: slots exhausted",
    ],
)
def test_what_looks_like_an_error_is_shown(line: str) -> None:
    log = read("started", line, "client 1 came", "client 2 came")
    assert [(one.number, one.text) for one in log.unread] == [(2, line)] and log.errors


@pytest.mark.parametrize(
    "line", ["reload done, 0 errors", "stats: dropped=0 taken=812", "errors: 0", "started with no errors"]
)
def test_a_count_of_none_is_no_error(line: str) -> None:
    assert not read(line).errors


def test_without_such_lines_the_last_three_are_shown() -> None:
    log = read("a", "b", "", "c", "d", "")
    assert [(one.number, one.text) for one in log.unread] == [(2, "b"), (4, "c"), (5, "d")] and not log.errors


def test_lines_that_differ_in_numbers_are_one_and_five_are_the_most() -> None:
    log = read(*(f"ERROR {letter}{number}" for number in range(9) for letter in "pqrstuvw"))
    assert len(log.unread) == 5
    assert [one.text for one in log.unread] == [f"ERROR {letter}8" for letter in "stuvw"]
    assert {one.count for one in log.unread} == {9}


def test_a_line_that_is_known_is_none_of_them() -> None:
    log = read("accept4() failed (24: Too many open files)", DRAINED, "inotify_add_watch failed: odd")
    assert [one.number for one in log.unread][:1] == [2]


def test_the_end_of_a_long_log_counts_from_there() -> None:
    assert [one.number for one in read("x", DRAINED, "y", whole=False).unread] == [-2]


@pytest.mark.parametrize(
    ("line", "number"),
    [
        (DRAINED, 7412),
        ("ERROR refused at 1,000 of all", None),
        ("ERROR 9000 connections are all that I take", 9000),
        ("ERROR client 10.0.0.1:4000 refused", None),
        ("ERROR too many sessions", None),
    ],
)
def test_a_number_is_offered_and_never_taken(line: str, number: int | None) -> None:
    log = read(line)
    assert unread.number(log) == number
    symptom = clues().symptom.__class__(logs=(log,))
    found = diagnose(clues(symptom=symptom))
    assert found.conclusion is Conclusion.NOT_ENOUGH
    assert "the log has no line that hosttune knows" in found.text
    assert any(f"--stalled-at {number}?" in text for text in found.next) is (number is not None)


@settings(deadline=None)
@given(st.binary(max_size=3000), st.booleans())
def test_any_bytes_are_read_and_what_is_shown_is_safe(data: bytes, whole: bool) -> None:
    log = unread.unread("a.log", data, KNOWN, whole)
    assert len(log.unread) <= 5
    assert all(one.text.isprintable() and len(one.text) <= 160 for one in log.unread)
    assert all((one.number > 0) is whole and 0 < abs(one.number) <= log.lines for one in log.unread)


def test_escapes_are_shown_as_such() -> None:
    assert read("ERROR \x1b[2J\x07 gone").unread[0].text == "ERROR \\x1b[2J\\x07 gone"


def test_a_log_of_errors_without_an_end_is_looked_at_for_a_while_only() -> None:
    log = unread.unread("a.log", b"ERROR odd %d\n" * 400_000, KNOWN, True)
    assert log.lines == 400_000 and len(log.unread) == 1
