"""Which lines between `.if` and `.endif` count: those of the branch that is taken, all where that cannot be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hosttune.programs.shelves.haproxy import conditions
from hosttune.programs.shelves.haproxy.environment import Environment
from hosttune.programs.shelves.haproxy.noting import Notes

_WORDS = (".if", ".elif", ".else", ".endif")
_SAID = (".alert", ".warning", ".notice", ".diag")


@dataclass(slots=True)
class _Level:
    """One `.if`: whether what is around it counts, this branch counts, and an earlier one was taken for sure."""

    around: bool
    counts: bool = False
    taken: bool = False


class Branches:
    """The conditions that are open at a line; they nest, and none of them crosses the end of a file."""

    def __init__(self, environment: Environment, notes: Notes) -> None:
        self._environment, self._notes = environment, notes
        self._open: list[_Level] = []

    @property
    def count(self) -> bool:
        """Say whether a line at this place counts."""
        return not self._open or self._open[-1].counts

    def step(self, where: str, words: Sequence[str]) -> None:
        """Take a line that begins with a dot."""
        word, condition = words[0], " ".join(words[1:])
        if word == ".if":
            level = _Level(self.count)
            self._open.append(level)
            self._branch(level, where, condition)
        elif word in _WORDS and not self._open:
            self._notes.add(where, f"{word} without an .if: HAProxy does not start with it")
        elif word == ".elif":
            self._branch(self._open[-1], where, condition)
        elif word == ".else":
            level = self._open[-1]
            level.counts, level.taken = level.around and not level.taken, True
        elif word == ".endif":
            self._open.pop()
        elif self.count and word == ".alert":
            self._notes.add(where, ".alert stands in what counts: HAProxy does not start with it")
        elif self.count and word not in _SAID:
            self._notes.add(where, f"{word} is not known here; passed over")

    def end(self, where: str) -> None:
        """Take the end of a file."""
        if self._open:
            self._notes.add(where, "an .if is not ended by .endif: HAProxy does not start with it")
        self._open.clear()

    def _branch(self, level: _Level, where: str, condition: str) -> None:
        if not level.around or level.taken:
            level.counts = False
            return
        holds = conditions.evaluate(condition, self._environment)
        level.counts, level.taken = holds is not False, holds is True
        if holds is None:
            self._notes.add(where, f"whether {condition} holds depends on the program that reads it: both ways count")
