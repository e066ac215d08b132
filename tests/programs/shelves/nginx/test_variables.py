"""What variables can be: the shares of all cases come to one, and what hangs together is told together."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from hosttune.programs.configuration import Given
from hosttune.programs.shelves.nginx.including import tree
from hosttune.programs.shelves.nginx.variables import Choice, Variables
from tests.fuzz.memory import Memory


def choices(text: str, *expressions: str) -> tuple[Choice, ...]:
    return Variables.of(tree(Given(Memory({"/x": text}), ("/x",))).directives).choices(*expressions)


@given(st.lists(st.integers(1, 2500), min_size=1, max_size=12), st.booleans())
def test_the_parts_of_split_clients_come_to_one(parts: list[int], rest: bool) -> None:
    kept = [part for at, part in enumerate(parts) if sum(parts[: at + 1]) <= 10_000]
    rows = [f"{part // 100}.{part % 100:02}% v{at};" for at, part in enumerate(kept)] + ["* rest;"] * rest
    told = choices(f"split_clients $a $b {{ {' '.join(rows)} }}", "$b")
    assert sum(choice.share for choice in told) == 1
    shares = {choice.values[0]: choice.share for choice in told}
    assert all(shares[f"v{at}"] == Fraction(part, 10_000) for at, part in enumerate(kept))
    assert all(choice.known for choice in told)
    left = "rest" if rest else ""
    assert shares.get(left, 0) == 1 - Fraction(sum(kept), 10_000)


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True), st.booleans())
def test_two_maps_of_one_key_go_together(keys: list[str], split: bool) -> None:
    known = f"split_clients $x $key {{ {' '.join(f'10% {key};' for key in keys)} * z; }}" if split else ""
    maps = "".join(f"map $key ${name} {{ {' '.join(f'{key} {name}{key};' for key in keys)} }}" for name in "pq")
    for choice in choices(known + maps, "$p", "$q"):
        one, other = choice.values
        assert one is not None and other is not None
        assert one[1:] == other[1:]
        assert choice.known == split


def test_what_no_block_defines_is_not_known() -> None:
    (choice,) = choices("", "http://$host:80")
    assert choice.values == (None,)


def test_a_regular_expression_is_not_tried_but_any_value_of_its_map_may_come() -> None:
    told = choices('split_clients $x $key { 50% ab; * cd; } map $key $to { "~^a" one; cd two; }', "$to")
    assert {choice.values for choice in told} == {("",), ("one",), ("two",)}
    assert not any(choice.known for choice in told)
