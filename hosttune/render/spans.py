"""Lines whose words may stand in a light of their own: it is the words that have it, wherever a line is broken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from hosttune.model.roles import Mark, Role

_QUOTED = re.compile(r"`([^`]+)`")
_COMMAND = re.compile(r"(?:sudo )?(?:\S*hosttune\b|\S*python[0-9.]* -m |systemctl |sysctl |ip )")
_SHELL_WORD = re.compile(r"""(?:\$'(?:\\.|[^'\\])*'|'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+""")


class Span(NamedTuple):
    """Letters of a text that have a role, counted without blanks: these alone change where it is broken."""

    start: int
    end: int
    role: Role


class Line(NamedTuple):
    """A line in parts, each with its role."""

    parts: tuple[tuple[str, Role], ...]

    @property
    def text(self) -> str:
        """The line without its roles."""
        return "".join(part for part, _ in self.parts)

    @property
    def role(self) -> Role:
        """The first role that is not plain."""
        return next((role for _, role in self.parts if role is not Role.PLAIN), Role.PLAIN)


def span(text: str, start: int, end: int, role: Role) -> Span:
    """Return the span of text[start:end]."""
    first, last = text[:start], text[:end]
    return Span(len(first) - first.count(" "), len(last) - last.count(" "), role)


def marked(text: str, marks: Sequence[Mark] = ()) -> list[Span]:
    """Return the spans of marks that a text has, and of the commands in it that stand between backticks."""
    made = [span(text, *found.span(1), Role.COMMAND) for found in _QUOTED.finditer(text)]
    for mark in marks:
        start = text.find(mark.words) if mark.words else -1
        if start >= 0:
            made.append(span(text, start, start + len(mark.words), mark.role))
    return made


def of(texts: Iterable[str], spans: Sequence[Span] = ()) -> Iterator[Line]:
    """Yield the lines that a text was broken into, the later one of two spans above the other.

    Blanks at which no line is broken have done their work.
    """
    place = 0
    for text in texts:
        text = text.rstrip(" ")
        roles: list[Role | None] = []
        for letter in text:
            here = [each.role for each in spans if each.start <= place < each.end]
            roles.append(None if letter == " " else here[-1] if here else Role.PLAIN)
            place += letter != " "
        yield Line(tuple(_runs(text.replace("\u00a0", " "), roles)))


def _runs(text: str, roles: list[Role | None]) -> Iterator[tuple[str, Role]]:
    """Yield parts of one role; blanks have that of both their sides where it is the same, else none."""
    filled = [role or Role.PLAIN for role in roles]
    start = 0
    for blank, group in groupby(roles, lambda role: role is None):
        end = start + len(list(group))
        if blank and start > 0 and end < len(roles) and roles[start - 1] is roles[end]:
            filled[start:end] = [roles[end] or Role.PLAIN] * (end - start)
        start = end
    start = 0
    for role, group_ in groupby(filled):
        end = start + len(list(group_))
        yield text[start:end], role
        start = end


def is_command(text: str) -> bool:
    """Say whether a line begins as a command does that is to be pasted."""
    return bool(_COMMAND.match(text))


def broken(command: str, width: int, first: str, indent: str) -> list[str]:
    """Return a command as lines that can be pasted together: broken at blanks outside quotes, by a backslash."""
    lines, line = [], first
    for word in _SHELL_WORD.findall(command):
        longer = f"{line} {word}" if line.strip() and line is not first else f"{line}{word}"
        if len(longer) + 2 > width and line.strip() and line is not first and line != indent:
            lines.append(f"{line} \\")
            longer = f"{indent}{word}"
        line = longer
    # what fits needs no room for a backslash
    whole = f"{first}{command}"
    return [whole] if len(whole) <= width else [*lines, line]
