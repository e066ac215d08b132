"""A log scale: where a number lies on it, and its labelled powers of ten."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from hosttune.model.drawings import Bars

_BEYOND = 100
_LABELS = 8
_UNITS = ("", "k", "M", "G", "T", "P", "E")


@dataclass(frozen=True, slots=True)
class Scale:
    """Powers of ten from `low` to `high`."""

    low: int
    high: int

    def at(self, number: float) -> float:
        """Return where a number lies, from 0 to 1; what lies outside is at the end."""
        return place(number, 10**self.low, 10**self.high)

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Yield each power of ten and its label, as 100k; where there are many, some have none."""
        every = -(-(self.high - self.low + 1) // _LABELS)
        for power in range(self.low, self.high + 1):
            yield self.at(10**power), label(power) if (power - self.low) % every == 0 else ""


def place(number: float, least: int, most: int) -> float:
    """Return where a number lies on a log scale from `least`, 0, to `most`, 1; what lies outside is at the end."""
    share = math.log(max(number, 1) / least) / math.log(max(most, 2 * least) / least)
    return min(max(share, 0.0), 1.0)


def label(power: int) -> str:
    """Return a power of ten as a scale has it: 1, 10, 100, 1k, 10k, 100k, 1M."""
    unit = min(power // 3, len(_UNITS) - 1)
    return f"{10 ** (power - 3 * unit)}{_UNITS[unit]}"


def of_bars(block: Bars) -> Scale:
    """Return the scale of bars: from below the least of them to the target, or to what lies little beyond it."""
    numbers = [block.target, *(bar.number for bar in block.bars)]
    numbers += [bar.knee for bar in block.bars if bar.knee is not None]
    highest = max(10, min(block.target * _BEYOND, max(numbers)))
    low = math.floor(math.log10(max(1.0, min(numbers) / 2)))
    high = math.ceil(math.log10(highest))
    return Scale(min(low, high - 1), high)
