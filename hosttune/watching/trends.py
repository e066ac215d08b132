"""How fast each use grows, when it is full, which is the nearest, and which limits were changed."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import combinations

from hosttune.model import Machine, Tick, Trend, Use, View
from hosttune.watching import counted

SORTS = ("nearness", "rate", "use", "name")
_WINDOW = 5.0
"""Seconds over which the rate that is shown is taken: counts of one second are too rough."""

_LEAST = 10
"""Looks from which a forecast may be made."""

_KEPT = 30
"""Looks of which a forecast is made at most: it follows what grows in the last of them."""

_STEADY = 0.5
"""Share of the whole slope that each half has at least: a jump grows in one half alone."""

Counts = Sequence[tuple[float, int]]

_MOST_CHANGES = 4
_SHOWN = 60.0  # seconds for which a change of a limit is shown
_MISSED = 120.0  # seconds after which a use that is not observed any more is forgotten


class History:
    """The last counts of each use, from which the next look gets its rates."""

    def __init__(self, machine: Machine, interval: float = 1.0) -> None:
        self._machine, self._interval = machine, interval
        self._counts: dict[str, deque[tuple[float, int]]] = {}
        self._last: Tick | None = None
        self._limits: dict[str, int | None] = {}
        self._changes: deque[tuple[float, str]] = deque(maxlen=_MOST_CHANGES)

    def add(self, tick: Tick, sort: str = "nearness") -> View:
        """Take in a look and return what there is to show of it."""
        before, self._last = self._last, tick
        seconds = tick.at - before.at if before else 0.0
        rates = counted.rates(before.counters, tick.counters, seconds) if before else {}
        for use in tick.uses:
            self._note_limit(use, tick.at)
        trends = [self._trend(use, tick) for use in tick.uses]
        self._forget(tick.at)
        return View(
            machine=self._machine,
            tick=tick,
            seconds=max(seconds, 0.0),
            rates=rates,
            trends=ranked(trends, sort),
            drops=counted.drops(rates),
            ghosts=counted.ghosts(rates),
            dropping=tuple(word for name, word in counted.DROPPED.items() if rates.get(name)),
            changes=tuple(sentence for at, sentence in reversed(self._changes) if tick.at - at <= _SHOWN),
            interval=self._interval,
            sort=sort,
        )

    def _trend(self, use: Use, tick: Tick) -> Trend:
        age = tick.ages.get(use.id, 0.0)
        at = tick.at - age
        counts = self._counts.setdefault(use.id, deque(maxlen=_KEPT))
        if counts and at < counts[0][0]:
            counts.clear()  # the host has booted
        if not counts or at - counts[-1][0] > 0.005:
            counts.append((at, use.used))
        return trend(use, age, tuple(counts))

    def _note_limit(self, use: Use, at: float) -> None:
        limit = use.limit if isinstance(use.limit, int) else None
        if use.id in self._limits and self._limits[use.id] != limit:
            self._changes.append((at, changed(use.name, self._limits[use.id], limit)))
        self._limits[use.id] = limit

    def _forget(self, at: float) -> None:
        for id in [id for id, counts in self._counts.items() if at - counts[-1][0] > _MISSED]:
            del self._counts[id]
            self._limits.pop(id, None)


def changed(name: str, before: int | None, now: int | None) -> str:
    """Return as a sentence that a limit changed."""
    first, last = ("none" if limit is None else f"{limit:,}" for limit in (before, now))
    return f"the limit of {name} was {first} and is {last} now"


def trend(use: Use, age: float, counts: Counts) -> Trend:
    """Return how a use grows, from its counts: (seconds, used), the oldest first."""
    if len(counts) < 2:
        return Trend(use, age)
    end, last = counts[-1]
    start, first = next((c for c in reversed(counts[:-1]) if c[0] <= end - _WINDOW), counts[0])
    limit = use.limit if isinstance(use.limit, int) else None
    slope = steady(counts)
    return Trend(
        use, age, (last - first) / (end - start), _until(use, use.knee, slope, age), _until(use, limit, slope, age)
    )


def steady(counts: Counts) -> float | None:
    """Return by how much a use grows in a second, None for fewer than ten counts and for what does not grow steadily.

    It is the median of the slopes between each two counts (Theil and Sen), over all of them, where both halves agree.
    """
    if len(counts) < _LEAST:
        return None
    middle = len(counts) // 2
    whole, *halves = (_slope(part) for part in (counts, counts[:middle], counts[middle:]))
    return whole if whole > 0 and min(halves) >= _STEADY * whole else None


def _slope(counts: Counts) -> float:
    return statistics.median((last - first) / (end - start) for (start, first), (end, last) in combinations(counts, 2))


def _until(use: Use, level: int | None, slope: float | None, age: float) -> float | None:
    """Return the seconds until a use is at a level; 0 where it is, None below half of it and without a trend."""
    if level is None:
        return None
    if use.used >= level:
        return 0.0
    if slope is None or use.used * 2 < level:
        return None
    return max((level - use.used) / slope - age, 0.0)


def ranked(trends: Iterable[Trend], sort: str) -> tuple[Trend, ...]:
    """Return the trends in an order of SORTS: the nearest, the one that is full first, the largest, or by name."""
    keys = {
        "nearness": lambda trend: (-trend.use.nearness, trend.use.name),
        "rate": lambda trend: (_soonest(trend), -(trend.rate or 0.0), trend.use.name),
        "use": lambda trend: (trend.use.unit == "bytes", -trend.use.used, trend.use.name),
        "name": lambda trend: trend.use.name,
    }
    return tuple(sorted(trends, key=keys[sort]))


def _soonest(trend: Trend) -> float:
    return min((t for t in (trend.slow_in, trend.full_in) if t), default=float("inf"))
