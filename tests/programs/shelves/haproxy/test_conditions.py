"""What conditions of `.if` come to, as src/cfgcond.c has it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.programs.shelves.haproxy import conditions
from hosttune.programs.shelves.haproxy.environment import Environment

HERE = Environment({"SET": "x"})


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", False),
        ("1", True),
        ("0", False),
        ("0x00", False),
        ("!0", True),
        ("! ! 1", True),
        ("defined(SET)", True),
        ("defined(OTHER)", False),
        ("!defined(OTHER)", True),
        ("defined(HAPROXY_MWORKER)", None),
        ("defined(HAPROXY_CFGFILES)", True),
        ("streq(a,a)", True),
        ('streq("a,b",a)', False),
        ("strneq(a,b)", True),
        ("strstr(abc,b)", True),
        ("version_atleast(1.9)", True),
        ("version_before(1.9-dev0)", False),
        ("version_atleast(2.4)", True),
        ("version_before(2.4.0)", False),
        ("version_atleast(2.4.1)", None),
        ("version_atleast(2.6)", None),
        ("feature(OPENSSL)", None),
        ("openssl_version_atleast(3.0)", None),
        ("something_new(x)", None),
        ("1 && 0", False),
        ("1 && 0 || 1", True),
        ("1 || 0 && 0", True),
        ("( 1 || 0 ) && 0", False),
        ("!(1 && 0)", True),
        ("feature(X) && 0", False),
        ("feature(X) || 1", True),
        ("feature(X) && 1", None),
        ("1 1", None),
        ("(1", None),
        ("defined(", None),
        ("streq(a)", None),
    ],
)
def test_a_condition(text: str, holds: bool | None) -> None:
    assert conditions.evaluate(text, HERE) is holds


@given(st.text(st.sampled_from("10!()&| a,\"'definedstrq_SET")))
def test_any_text_is_an_answer(text: str) -> None:
    assert conditions.evaluate(text, HERE) in (True, False, None)


@given(st.recursive(st.booleans(), lambda inner: st.tuples(inner, st.sampled_from(["and", "or"]), inner), max_leaves=9))
def test_what_is_in_parentheses_is_as_in_python(tree: object) -> None:
    def told(part: object) -> str:
        return f"({told(part[0])} {part[1]} {told(part[2])})" if isinstance(part, tuple) else str(part)

    text = told(tree)
    signs = text.replace("and", "&&").replace("or", "||").replace("True", "1").replace("False", "0")
    assert conditions.evaluate(signs, HERE) is eval(text)
