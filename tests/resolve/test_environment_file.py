"""What a file of EnvironmentFile= sets: quotes, escapes, comments, and what is no assignment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.resolve.environment_file import assignments


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A=1\nB = 2 \n", {"A": "1", "B": "2"}),
        ("A=x y  \n", {"A": "x y"}),
        ("A=\"x y \"\nB='$A \\n'\n", {"A": "x y ", "B": "$A \\n"}),
        ('A="a\\"b\\$c\\x\\\nd"', {"A": 'a"b$c\\xd'}),
        ("A=a\\ \\\nb\\c\n", {"A": "a bc"}),
        ("A=a\\ \n", {"A": "a "}),
        ("A='x'\"y\"z 'w'\n", {"A": "xyz 'w'"}),
        ("A='x'  z\n", {"A": "xz"}),
        ("# A=1\n; B=2\n  # C=3\nD=4 # no comment\n", {"D": "4 # no comment"}),
        ("# a \\\nA=1\n", {"A": "1"}),
        ("A=1\nA=2\n", {"A": "2"}),
        ("export A=1\n1B=2\nC\nD=\n", {"D": ""}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A='not closed\nB=2\n", {"A": "not closed\nB=2\n"}),
        ("A=1", {"A": "1"}),
        ("A=1\\", {"A": "1"}),
    ],
)
def test_what_it_sets(text: str, wanted: dict[str, str]) -> None:
    assert dict(assignments(text)) == wanted


@given(st.text("AB=_1 '\"\\#;\n\r$", max_size=60))
def test_any_file_sets_variables_alone(text: str) -> None:
    for name, value in assignments(text):
        assert name.isidentifier() and isinstance(value, str)
