"""Conditions of `.if` and `.elif`: what they come to where that can be told (src/cfgcond.c)."""

from __future__ import annotations

import re

from hosttune.programs.shelves.haproxy.environment import Environment

_DEEPEST = 200  # MAX_CFG_RECURSION is 1024; nobody nests parentheses by the hundred
_NUMBER = re.compile(r"[+-]?(?:0[xX][0-9A-Fa-f]+|\d+)")
_BLANKS = re.compile(r"[ \t]*")
_NOT = re.compile(r"!+[ \t]*")
_PREDICATE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\(")
_FIRST = (2, 4)  # the version that brought conditions: no older one reads the file at all
_FIRST_ITSELF = frozenset({"2.4", "2.4.0"})


class _Unclear(ValueError):
    """It is not what this grammar has; a newer HAProxy may know it."""


def evaluate(text: str, environment: Environment) -> bool | None:
    """Return whether a condition holds; None where it depends on the program that reads it, or cannot be read.

    An empty one does not hold. `&&` binds closer than `||`; a version at least as old as conditions themselves is told.
    """
    if not text.strip():
        return False
    parser = _Parser(text, environment)
    try:
        holds = parser.either(0)
        parser.blanks()
    except _Unclear:
        return None
    return holds if parser.at == len(text) else None


class _Parser:
    def __init__(self, text: str, environment: Environment) -> None:
        self._text, self._environment = text, environment
        self.at = 0

    def blanks(self) -> None:
        if match := _BLANKS.match(self._text, self.at):
            self.at = match.end()

    def either(self, depth: int) -> bool | None:
        every = [self._all(depth)]
        while self._takes("||"):
            every.append(self._all(depth))
        return True if True in every else None if None in every else False

    def _all(self, depth: int) -> bool | None:
        every = [self._term(depth)]
        while self._takes("&&"):
            every.append(self._term(depth))
        return False if False in every else None if None in every else True

    def _takes(self, sign: str) -> bool:
        self.blanks()
        if not self._text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def _term(self, depth: int) -> bool | None:
        self.blanks()
        negated = False
        while match := _NOT.match(self._text, self.at):
            negated ^= match[0].count("!") % 2 == 1
            self.at = match.end()
        holds = self._plain(depth)
        return holds if holds is None else holds != negated

    def _plain(self, depth: int) -> bool | None:
        if number := _NUMBER.match(self._text, self.at):
            self.at = number.end()
            return bool(number[0].lstrip("+-0xX"))
        if self._text.startswith("(", self.at):
            if depth >= _DEEPEST:
                raise _Unclear
            self.at += 1
            holds = self.either(depth + 1)
            if not self._takes(")"):
                raise _Unclear
            return holds
        if match := _PREDICATE.match(self._text, self.at):
            self.at = match.end()
            return _holds(match[1], self._arguments(), self._environment)
        raise _Unclear

    def _arguments(self) -> list[str]:
        """Return what stands between commas up to the closing parenthesis; quotes may be within (src/arg.c)."""
        arguments: list[str] = []
        word: list[str] = []
        quote = ""
        for index in range(self.at, len(self._text)):
            sign = self._text[index]
            if sign in "'\"" and quote in ("", sign):
                quote = "" if quote else sign
            elif sign in ",)" and not quote:
                arguments.append("".join(word))
                word = []
                if sign == ")":
                    self.at = index + 1
                    return arguments
            else:
                word.append(sign)
        raise _Unclear


def _holds(predicate: str, arguments: list[str], environment: Environment) -> bool | None:
    first, *more = arguments
    if predicate == "defined":
        return environment.is_defined(first)
    if predicate in ("streq", "strneq", "strstr") and len(more) == 1:
        if predicate == "strstr":
            return more[0] in first
        return (first == more[0]) == (predicate == "streq")
    if predicate in ("version_atleast", "version_before") and _is_early(first):
        return predicate == "version_atleast"
    return None


def _is_early(version: str) -> bool:
    numbers = re.match(r"(\d{1,3})\.(\d{1,3})", version)
    return numbers is not None and ((int(numbers[1]), int(numbers[2])) < _FIRST or version in _FIRST_ITSELF)
