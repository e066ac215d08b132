"""How fast this machine is at the moment: bounds of CPU time are those of an idle core, whatever runs beside."""

from __future__ import annotations

import time

_IDLE = 0.027
"""CPU seconds that the loop takes on one idle core of 2024."""


def slower() -> float:
    """Return how many times longer Python takes now than there, 1 or more: a busy sibling halves a core's speed."""
    begun = time.process_time()
    words: dict[str, int] = {}
    for number in range(200_000):
        word = f"{number & 1023}"
        words[word] = words.get(word, 0) + number
    return max(1.0, (time.process_time() - begun) / _IDLE)


class Stopwatch:
    """CPU seconds of this process since it was made, as an idle core would have needed them."""

    def __init__(self) -> None:
        self._before = slower()
        self._begun = time.process_time()

    def seconds(self) -> float:
        """Return them; how fast the machine is was looked at before and is now, and the slower of both counts."""
        used = time.process_time() - self._begun
        return used / max(self._before, slower())
