"""How large a TOML document may be in each of its parts: known before it is parsed.

tomllib takes time and memory by the square of the parts of a key (a key of 30,000 parts: 5 GiB), calls itself for each
list in a list, and keeps a dictionary or more for each table. The words of the document are counted first, as TOML has
them (https://toml.io/en/v1.0.0); where they are no TOML, the parser says so, and it does not get beyond that place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

PARTS = 8
"""Of a key, with those of the table that it stands in: none that we know has more than three."""
DEPTH = 8
"""Lists and tables in each other: none that we know is deeper than three."""
TABLES = 5_000
KEYS = 50_000
WORD = 128
"""Characters of a number, a date or a bare key."""

_WORDS = re.compile(
    r"""
    (?P<text> \"\"\" (?: [^\\\"]++ | \\. | \"{1,2}(?!\") )*+ \"{3,5}
            | \'\'\' (?: [^\']++ | \'{1,2}(?!\') )*+ \'{3,5}
            | \" (?: [^\\\"\n]++ | \\[^\n] )*+ \"
            | \' [^\'\n]*+ \' )
    | (?P<bare> [A-Za-z0-9_+:-]++ )
    | (?P<mark> [.=,\[\]{}\n] )
    | [ \t\r]++ | \#[^\n]*+
    """,
    re.VERBOSE | re.DOTALL,
)


def excess(text: str) -> tuple[int, str] | None:
    """Return the line and what is beyond the bounds there, None where nothing is."""
    counted = _Counted()
    for match in _words(text):
        problem = counted.take(match)
        if problem:
            return text.count("\n", 0, match.start()) + 1, problem
    return None


def _words(text: str) -> Iterator[re.Match[str]]:
    at = 0
    # to a comment that is not TOML, or a text without its end, the parser does not get either
    while (match := _WORDS.match(text, at)) and match.end() > at:
        at = match.end()
        if match.lastgroup:
            yield match


class _Counted:
    """What was counted so far. A key ends with `=`, or with the `]` of its table's head."""

    def __init__(self) -> None:
        self._open: list[str] = []  # lists and inline tables that are open
        self._head = False  # within [ ] of a table's head
        self._value = False  # behind a =
        self._fresh = True  # at the begin of a line
        self._parts = self._of_head = 0
        self._tables = self._keys = 0

    def take(self, match: re.Match[str]) -> str:
        """Count a word; return what is beyond the bounds with it, "" where nothing is."""
        word = match[0]
        if match.lastgroup != "mark":
            self._fresh = False
            return f"a word of {len(word):,} characters" if match.lastgroup == "bare" and len(word) > WORD else ""
        handle = {"\n": self._line, "[": self._bracket, "]": self._end, "{": self._table, "}": self._end}
        problem = handle[word]() if word in handle else self._separator(word)
        self._fresh = word == "\n" or (self._fresh and word == "[" and self._head)
        return problem

    def _line(self) -> str:
        if not self._open:
            self._head = self._value = False
            self._parts = 0
        return ""

    def _bracket(self) -> str:
        if self._fresh and not self._open:
            # the second of [[ too
            self._tables += not self._head
            self._head, self._parts, self._of_head = True, 0, 0
            return f"more than {TABLES:,} tables" if self._tables > TABLES else ""
        return self._opened("[")

    def _table(self) -> str:
        self._parts = 0
        return self._opened("{")

    def _opened(self, mark: str) -> str:
        self._open.append(mark)
        self._value = mark == "["
        return f"lists and tables in each other, more than {DEPTH} deep" if len(self._open) > DEPTH else ""

    def _end(self) -> str:
        if self._head:
            self._of_head = self._parts + 1
            return ""
        if self._open:
            self._open.pop()
        self._value = True
        return ""

    def _separator(self, word: str) -> str:
        if word == "=":
            self._keys += 1
            self._value = True
            return f"more than {KEYS:,} keys" if self._keys > KEYS else ""
        if word == ",":
            self._value = bool(self._open) and self._open[-1] == "["
            self._parts = 0
        if word == "." and not self._value:
            self._parts += 1
            beside = 0 if self._head else self._of_head
            return f"a key of more than {PARTS} parts" if self._parts + 1 + beside > PARTS else ""
        return ""
