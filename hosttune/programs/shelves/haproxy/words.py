"""A line of an haproxy.cfg in words: quotes, escapes and environment variables as HAProxy reads them (parse_line())."""

from __future__ import annotations

import re
from collections.abc import Callable

Lookup = Callable[[str], str | None]
"""The value of an environment variable, None where it is set nowhere."""

_WORD = re.compile(r"[^ \t\v\f]+")
_BLANKS = re.compile(r"[ \t\v\f]+")
_MEANS_MORE = re.compile(r"[\"'\\#$]")
_PLAIN = re.compile(r"[^ \t\v\f\"'\\#$]+")
_ESCAPES = {" ": " ", "\\": "\\", "t": "\t", "n": "\n", "r": "\r", "#": "#", "'": "'", '"': '"'}
_HEX = re.compile(r"x([0-9A-Fa-f]{2})")
# ${NAME[*]-default}; [*] in braces alone, as the default is
_BRACED = re.compile(r"\{(\.?[A-Za-z0-9_]*)(\[\*\])?(?:-([^}]*))?\}")
_BARE = re.compile(r"\.?[A-Za-z_][A-Za-z0-9_]*|\.")
_NAME = re.compile(r"\.?[A-Za-z_][A-Za-z0-9_]*$")
# in an address a variable is one without quotes too (src/tools.c, env_expand())
_IN_ADDRESS = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")


class Unreadable(ValueError):
    """HAProxy refuses the line; the text says why."""


def split(line: str, lookup: Lookup) -> tuple[str, ...]:
    """Return the words of a line; a variable that is set nowhere stays as ${NAME}. Raises Unreadable.

    Where a line has nothing that means more than itself, its words are what stands between blanks. HAProxy ends a line
    at the first carriage return, wherever it stands (src/tools.c, parse_line()).
    """
    if "\r" in line or "\0" in line:
        line = line.partition("\r")[0].partition("\0")[0]
    first = _MEANS_MORE.search(line)
    if first is None or first[0] == "#":
        return tuple(_WORD.findall(line, 0, first.start() if first else len(line)))
    return _Scanner(line, lookup).words()


def expand(word: str, lookup: Lookup) -> str:
    """Return an address with its variables in place; one that is set nowhere stays as ${NAME}."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        found = lookup(name)
        return f"${{{name}}}" if found is None else found

    return _IN_ADDRESS.sub(value, word) if "$" in word else word


def variables(word: str) -> tuple[str, ...]:
    """Return the names of the variables that a word still has."""
    return tuple(match[1] or match[2] for match in _IN_ADDRESS.finditer(word))


class Unclosed(Unreadable):
    """A quote is not closed: no release reads such a line."""


class _Scanner:
    """One pass over a line; `_at` only grows, so that the time is linear in its length."""

    def __init__(self, line: str, lookup: Lookup) -> None:
        self._line, self._lookup, self._at = line, lookup, 0
        self._done: list[str] = []
        self._word: list[str] = []
        self._quoted = False

    def words(self) -> tuple[str, ...]:
        line, end = self._line, len(self._line)
        if blanks := _BLANKS.match(line):
            self._at = blanks.end()
        while self._at < end:
            sign = line[self._at]
            if sign == "#" and not self._quoted:
                break
            self._step(sign)
        if self._quoted:
            raise Unclosed("No closing quotation")
        # what follows the last blank is a word only where it is not empty
        last = "".join(self._word)
        return (*self._done, last) if last else tuple(self._done)

    def _step(self, sign: str) -> None:
        if plain := _PLAIN.match(self._line, self._at):
            self._take(plain[0], plain.end())
        elif sign == '"':
            self._quoted = not self._quoted
            self._at += 1
        elif sign == "'" and not self._quoted:
            self._strong()
        elif sign == "\\":
            self._escape()
        elif sign == "$" and self._quoted:
            self._variable()
        elif sign in " \t\v\f" and not self._quoted:
            self._end_word()
            blanks = _BLANKS.match(self._line, self._at)
            self._at = blanks.end() if blanks else self._at + 1
        else:
            self._take(sign, self._at + 1)

    def _take(self, text: str, then: int) -> None:
        self._word.append(text)
        self._at = then

    def _end_word(self) -> None:
        self._done.append("".join(self._word))
        self._word.clear()

    def _strong(self) -> None:
        close = self._line.find("'", self._at + 1)
        if close < 0:
            raise Unclosed("No closing quotation")
        self._take(self._line[self._at + 1 : close], close + 1)

    def _escape(self) -> None:
        follows = self._line[self._at + 1 : self._at + 2]
        if follows in _ESCAPES:
            self._take(_ESCAPES[follows], self._at + 2)
        elif follows == "$" and self._quoted:
            self._take("$", self._at + 2)
        elif follows != "x":
            self._take("\\", self._at + 1)
        elif code := _HEX.match(self._line, self._at + 1):
            self._take(chr(int(code[1], 16)), code.end())
        else:
            raise Unreadable("\\x is not followed by two hexadecimal digits")

    def _variable(self) -> None:
        braced = self._line.startswith("{", self._at + 1)
        found = (_BRACED if braced else _BARE).match(self._line, self._at + 1)
        if not found:
            raise Unreadable("a brace of a variable is not closed" if braced else "$ is followed by no name")
        name, many, default = found.groups() if braced else (found[0], None, None)
        if not _NAME.match(name):
            raise Unreadable(f"{name!r} is no name of a variable")
        value = self._lookup(name)
        if value is None:
            value = default if default is not None else f"${{{name}}}"
        self._at = found.end()
        if many:
            first, *more = re.split(r"[ \t\v\f\r\n]+", value)
            self._word.append(first)
            for word in more:
                self._end_word()
                self._word.append(word)
        else:
            self._word.append(value)
