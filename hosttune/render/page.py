"""How a document is to be written, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass

MOST = 100
"""Things of one kind that have a series or a test each: of more the one nearest to its end stands for all."""


LEAST = 40
"""Columns below which nothing is made narrower."""


@dataclass(frozen=True, slots=True)
class Page:
    """The room there is: columns of a terminal, and whether it has colour and letters beyond ASCII.

    `verbose`: what is folded otherwise is asked for.
    """

    verbose: bool = False
    color: bool = False
    width: int = 80
    unicode: bool = True

    @property
    def columns(self) -> int:
        """The columns that are used: below 40 nothing could be read."""
        return max(self.width, LEAST)


PLAIN = Page()
