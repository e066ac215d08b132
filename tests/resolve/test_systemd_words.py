"""Words, escapes, specifiers and variables of a setting, as systemd takes them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.resolve import systemd_words
from hosttune.resolve.systemd_words import words


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a  b\tc", ["a", "b", "c"]),
        ("\"A=1 2\" 'B=3' C=4", ["A=1 2", "B=3", "C=4"]),
        ("a\"b c\"d ''", ["ab cd", ""]),
        (r"\x41\101\u00e4\s\t\"\'\\", ["AA\u00e4 \t\"'\\"]),
        (r"\q \x0 \400 \000 \ud800", ["\\q", "\\x0", "\\400", "\\000", "\\ud800"]),
        ("a\\", ["a\\"]),
        ("'a\\'b'", ["a'b"]),
        ("", []),
    ],
)
def test_words(text: str, wanted: list[str]) -> None:
    assert list(words(text)) == wanted


@pytest.mark.parametrize(("text", "exact"), [("a 'b", False), ('a "b', True), ("a \\q", True)])
def test_what_is_wrong_ends_it(text: str, exact: bool) -> None:
    left = words(text, exact=exact)
    assert next(left) == "a"
    with pytest.raises(ValueError, match=r"is not closed|is no escape"):
        next(left)


def test_a_value_has_words_whatever_is_wrong_with_it() -> None:
    assert list(words(r"-f 'a b' \x c'd", plain=True)) == ["-f", "a b", "x", "cd"]


@pytest.mark.parametrize(
    ("unit", "text", "wanted"),
    [
        (
            "a-b@x-y\\x2dz.service",
            "%n %N %p %P %i %I %j %J %f",
            "a-b@x-y\\x2dz.service a-b@x-y\\x2dz a-b a/b x-y\\x2dz x/y-z b b /x/y-z",
        ),
        ("haproxy.service", "%p %i. %f %t/%% %q", "haproxy . /haproxy /run/% %q"),
    ],
)
def test_specifiers(unit: str, text: str, wanted: str) -> None:
    assert systemd_words.specified(text, systemd_words.of_name(unit)) == wanted


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("$A", ["-x", "a b"]),
        ("${A}", ["-x 'a b'"]),
        ("x${B}y${C}z", ["x1yz"]),
        ("x$B", ["x$B"]),
        ("$C", []),
        ("$$B", ["$B"]),
        ("$", []),
        ("${B", ["${B"]),
        ("$B-c", []),
    ],
)
def test_variables(word: str, wanted: list[str]) -> None:
    assert list(systemd_words.substituted([word], {"A": "-x 'a b'", "B": "1"})) == wanted


@given(st.text("ab '\"\\$%{}xA10ui\n", max_size=40))
def test_any_text_is_words_or_one_error(text: str) -> None:
    for how in ({}, {"plain": True}, {"exact": True}):
        with contextlib.suppress(ValueError):
            every = list(words(text, **how))
            assert all(isinstance(word, str) for word in systemd_words.substituted(every, {"A": text}))
