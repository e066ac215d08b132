"""A TOML document within the bounds is left to its parser, one beyond them is known before it is parsed."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.profile import load
from hosttune.resolve import toml_bounds
from tests import pace

LONG = "a.b.c.d.e.f.g.h"

BEYOND = {
    "a key": (f"{LONG}.i = 1", 1),
    "a quoted part": (f'{LONG}."i.j" = 1', 1),
    "blanks": (LONG.replace(".", " . ") + " . i = 1", 1),
    "a table": (f"x = 1\n[{LONG}.i]", 2),
    "a list of tables": (f"[[{LONG}.i]]", 1),
    "a key in its table": ("[a.b.c]\nd.e.f.g.h.i = 1", 2),
    "a key in an inline table": (f"x = {{y = 1, {LONG}.i = 1}}", 1),
    "a table in a list": (f"x = [\n1.5, # {LONG}\n{{{LONG}.i = 1}}]", 3),
    "behind a text of several lines": (f'x = """\na""b\n"""""\n{LONG}.i = 1', 4),
    "behind a literal of several lines": (f"x = '''\n''a\n'''''\n{LONG}.i = 1", 4),
    "behind a list": (f'x = [\n["]"],\n]\n{LONG}.i = 1', 4),
    "lists in lists": ("x = " + "[" * 9, 1),
    "tables in tables": ("x = " + "{a=" * 9, 1),
    "a long number": ("x = 1" + "0" * 200, 1),
    "tables": ("[a]\n" * 5001, 5001),
    "keys": ("a = 1\n" * 50_001, 50_001),
}


@pytest.mark.parametrize("name", BEYOND)
def test_what_is_beyond_is_found_with_its_line(name: str) -> None:
    text, line = BEYOND[name]
    found = toml_bounds.excess(text)
    assert found and found[0] == line


WITHIN = [
    f"{LONG} = 1.2",
    f"[{LONG}]",
    f"[[{LONG}]]\n[b.b.c]\nd.e.f.g.h = 1",
    f'x = "{LONG}.i" # {LONG}.i',
    f'x = """\n[{LONG}.i]\n{LONG}.i = 1\n"""',
    f"x = '[[[[[[[[[[[[[[{LONG}.i'",
    "x = [1.2, 3.4, [5.6, {a = 1.2}], 1979-05-27T07:32:00.5Z]",
    f'"{LONG}.i" = 1',
    f"x = [\n{{{LONG} = 1}},\n]\ny.z = 1",
]


@pytest.mark.parametrize("text", WITHIN)
def test_what_is_within_is_not(text: str) -> None:
    tomllib.loads(text)
    assert toml_bounds.excess(text) is None


def test_what_ships_is_far_within() -> None:
    for path in load.shipped().rglob("*.toml"):
        assert toml_bounds.excess(path.read_text()) is None, path


_pieces = st.lists(st.sampled_from([*"a.b= []{},\n\"'#\\1", '"""', "'''", "a.b", "[[", "]]"]), max_size=30).map("".join)


def _parts(found: Any, above: int = 0) -> int:
    """Return the most tables that lie in each other; lists add none."""
    if isinstance(found, dict):
        return max((_parts(inner, above + 1) for inner in found.values()), default=above)
    if isinstance(found, list):
        return max((_parts(inner, above) for inner in found), default=above)
    return above


@given(_pieces)
def test_no_text_gets_past_with_a_deep_key(text: str) -> None:
    old, toml_bounds.PARTS = toml_bounds.PARTS, 2
    try:
        found = toml_bounds.excess(text)
    finally:
        toml_bounds.PARTS = old
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    if found is None and "{" not in text and "[" not in text:
        assert _parts(tables) <= 2, text
    if found is not None:
        assert _parts(tables) > 2, text


@pytest.mark.parametrize("piece", ["a.", '"', "'", '"""', '"" ', "[", "{", "a=[", "\\", '\\"', "#", " ", "1", "[a]\n"])
def test_each_text_is_looked_at_in_time(piece: str) -> None:
    watch = pace.Stopwatch()
    toml_bounds.excess('a = """' + piece * (400_000 // len(piece)))
    toml_bounds.excess(piece * (400_000 // len(piece)))
    assert watch.seconds() < 3
