"""How far a piece of work is that takes more than a moment, as whoever waits for it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """What is done now: `number` of `total` are done where it can be counted; `left` are the seconds that it takes yet.

    None for `left` where nobody knows; it counts from when the step is told. `note` says what came of it so far, and
    is asked for only where it is shown, by the thread that told the step. `ends_early`: what is done so far is an
    answer, should the caller want no more of it.
    """

    what: str
    number: int = 0
    total: int = 0
    left: float | None = None
    note: Callable[[], str] = str
    ends_early: bool = False


Progress = Callable[[Step | None], bool]
"""Takes each step, and None where nothing is waited for any more; False: end early, with what is done so far."""
