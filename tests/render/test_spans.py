"""Styles belong to words wherever a line is broken, and a broken command is still the same command."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.model.document import Callout, Commands, Document, Lines, Paragraph
from hosttune.model.roles import Mark, Role
from hosttune.render import spans
from hosttune.render.formats import table
from hosttune.render.page import Page
from hosttune.render.styles import STYLES

BAD = STYLES[Role.BAD]
NARROW = Page(color=True, width=40)


def written(*blocks: Callout | Commands | Lines | Paragraph) -> list[str]:
    return table.write(Document("", (), blocks), NARROW).splitlines()


def test_a_headline_keeps_its_style_where_it_is_wrapped() -> None:
    text = "out of source ports towards 10.0.0.11:1883, which the target needs: no more"
    lines = written(Callout(text.replace(":1883", ""), role=Role.BAD))
    assert len(lines) == 2
    assert lines[0].lstrip().startswith(f"\x1b[{BAD}mout of") and lines[0].endswith("\x1b[0m")
    assert lines[1].lstrip().startswith(f"\x1b[{BAD}m") and lines[1].endswith("\x1b[0m: no more")


def test_marked_words_and_quoted_commands_are_styled() -> None:
    (line,) = written(Paragraph("stops at 28,232, `ss -s`", marks=(Mark("28,232", Role.LIMIT),)))
    assert line == "  stops at \x1b[1m28,232\x1b[0m, `\x1b[1mss -s\x1b[0m`"


def test_a_broken_command_is_styled_to_its_last_letter() -> None:
    lines = written(Commands("fix", ("sudo hosttune apply --role lb --connections 200000",)))
    assert lines == [
        "  fix: \x1b[1msudo hosttune apply --role lb \\\x1b[0m",
        "    \x1b[1m--connections 200000\x1b[0m",
    ]


def test_a_difference_has_signs_and_colours() -> None:
    assert written(Lines(("/etc/a.conf (new)", "  +a = 1", "  -b = 2", "   c = 3"), diff=True)) == [
        "  \x1b[1m/etc/a.conf (new)\x1b[0m",
        "    \x1b[32m+a = 1\x1b[0m",
        "    \x1b[31m-b = 2\x1b[0m",
        "     c = 3",
    ]


WORDS = st.lists(
    st.sampled_from(["--role", "lb", "'a b  c'", '"x y"', "$'a\\'b c'", "\\ x", "k=v", "/a/b"]), max_size=20
)


@given(WORDS, st.integers(20, 80))
def test_a_broken_command_is_the_same_command(words: list[str], width: int) -> None:
    command = " ".join(["sudo", "hosttune", *words])
    lines = spans.broken(command, width, "  fix: ", "    ")
    assert all(line.endswith(" \\") for line in lines[:-1])
    pasted = "\n".join(lines).removeprefix("  fix: ")
    plain = {"$'a\\'b c'": "abc"}
    for quoted, bare in plain.items():  # shlex does not know that way of quoting
        pasted, command = pasted.replace(quoted, bare), command.replace(quoted, bare)
    assert shlex.split(pasted.replace("\\\n", "")) == shlex.split(command)


@pytest.mark.parametrize("text", ["sudo hosttune apply", "/opt/x/hosttune check", "python3 -m hosttune", "systemctl x"])
def test_what_is_pasted_is_known(text: str) -> None:
    assert spans.is_command(text) and not spans.is_command(f"a {text}")
