"""A line of an haproxy.cfg in words, as src/tools.c takes it apart."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.programs.shelves.haproxy import words

VALUES = {"X": "one", "TWO": "one  two", "EMPTY": "", "DOLLAR": "$X"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", ()),
        ("  \t ", ()),
        (" a\tb\x0bc  d ", ("a", "b", "c", "d")),
        ("a # b", ("a",)),
        ("a#b", ("a",)),
        ("a\\#b", ("a#b",)),
        ("'a # b' \"# c\"", ("a # b", "# c")),
        ("a\\ b c", ("a b", "c")),
        ("a\\\\b \\\"c\\'", ("a\\b", "\"c'")),
        ("\\t\\n\\x41\\1", ("\t\nA\\1",)),
        ("'\\t$X\\'", ("\\t$X\\",)),
        ('"it\'s" \'say "x"\'', ("it's", 'say "x"')),
        ("a\"b\"'c'd", ("abcd",)),
        ('a "" b', ("a", "", "b")),
        ('a ""', ("a",)),
        ("$X ${X} '$X'", ("$X", "${X}", "$X")),
        ('"$X" "${X}y" "\\$X"', ("one", "oney", "$X")),
        ('"${NONE}" "$NONE."', ("${NONE}", "${NONE}.")),
        ('"${NONE-a b}" "${X-a}" "${EMPTY-a}"', ("a b", "one", "")[:2]),
        ('"${TWO}" "${TWO[*]}" "<${TWO[*]}>"', ("one  two", "one", "two", "<one", "two>")),
        ('"$DOLLAR"', ("$X",)),
        ("a b\r", ("a", "b")),
        ("a\rb", ("a",)),
        ("a\0b", ("a",)),
        ("a\xa0b", ("a\xa0b",)),
    ],
)
def test_words_of_a_line(line: str, expected: tuple[str, ...]) -> None:
    assert words.split(line, VALUES.get) == expected


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("'a", "No closing quotation"),
        ('a "b', "No closing quotation"),
        ("'a\r'", "No closing quotation"),
        ('"${X"', "a brace"),
        ('"$1"', "no name"),
        ('"${1}"', "no name"),
        ("\\x4", "two hexadecimal digits"),
    ],
)
def test_lines_that_it_refuses(line: str, why: str) -> None:
    with pytest.raises(words.Unreadable, match=why):
        words.split(line, VALUES.get)


def test_a_variable_in_an_address_needs_no_quotes() -> None:
    assert words.expand("$X:80 ${X}:80 $NONE:80", VALUES.get) == "one:80 one:80 ${NONE}:80"
    assert words.variables("${NONE}:80") == ("NONE",)


PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\"'\\#$ \t\v\f\r\n\0"), min_size=1)


@given(st.lists(PLAIN))
def test_plain_words_come_back(parts: list[str]) -> None:
    assert words.split("  ".join(parts), VALUES.get) == tuple(parts)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1)))
def test_strong_quotes_hide_all(parts: list[str]) -> None:
    assert words.split(" ".join(map(shlex.quote, parts)), VALUES.get) == tuple(parts)


@given(st.text(st.sampled_from("ab \t\"'\\#${}[*]-X.x41\r")))
def test_any_line_is_words_or_refused(line: str) -> None:
    try:
        found = words.split(line, VALUES.get)
    except words.Unreadable:
        return
    assert not found or found[-1] != ""
