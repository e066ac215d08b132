"""What a record comes to, as a white paper shows it: each figure over time, its maximum, and where its bound lay."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Mapping, Sequence

from hosttune.model import Account, Chart, Record, Series, Tick, Use
from hosttune.watching import counted
from hosttune.watching.trends import changed

_MOST = 6  # figures of one chart that can be told apart
_GAP = 5.0
"""Times the usual distance of two looks: what is longer is a gap, and no line is drawn through it."""

Point = tuple[float, float | None]


def account(record: Record) -> Account:
    """Return the charts of a record, those without a figure left out; pure."""
    ticks = record.ticks
    start = ticks[0].time if ticks else 0.0
    gaps = _gaps(ticks)
    uses = _uses(ticks, start, gaps)
    charts = [
        _chart("Connections", [*_levels(ticks, start, gaps, "Tcp.CurrEstab"), *_of(uses, "time-wait", "orphans")]),
        _chart("New connections", _rates(ticks, start, gaps, counted.OPENED, moved=True)),
        _chart("Ports towards each backend", _of(uses, "ports")),
        _chart("Descriptors", _of(uses, "nofile", "file-max")),
        _chart("Memory", [*_of(uses, "memory", "cgroup-memory"), *_levels(ticks, start, gaps, "memory.Slab")]),
        _chart("TCP pages", _of(uses, "tcp-mem")),
        _chart("Tables", _of(uses, "conntrack", "neighbours", "threads", "cgroup-pids")),
        _chart("Accept queues", [series for series in _of(uses, "accept-queue") if series.most]),
        _chart("Retransmits", _rates(ticks, start, gaps, counted.SENT_AGAIN)),
        _chart("Drops", _rates(ticks, start, gaps, counted.DROPPED, moved=True)),
    ]
    return Account(
        runs=record.runs,
        seconds=ticks[-1].time - start if ticks else 0.0,
        ticks=max(record.looks, len(ticks)),
        torn=record.torn,
        charts=tuple(chart for chart in charts if chart.series),
        changes=tuple(_changes([s for chart in charts for s in chart.series])),
    )


def _chart(title: str, series: Sequence[Series]) -> Chart:
    """Return the figures that came nearest to their limit, else the largest; the others are only counted."""
    first = sorted(series, key=lambda figure: (-(figure.closest or 0.0), -figure.most, figure.name))
    return Chart(title, tuple(first[:_MOST]), max(len(first) - _MOST, 0))


def _of(uses: Mapping[str, list[Series]], *kinds: str) -> list[Series]:
    return [series for kind in kinds for series in uses.get(kind, ())]


def _gaps(ticks: Sequence[Tick]) -> list[float]:
    """Return the times at which a gap ends: what is far longer than the distances around it, or a boot."""
    distances = [b.time - a.time for a, b in itertools.pairwise(ticks)]
    ends = []
    for number, distance in enumerate(distances):
        # a record that was thinned out has longer distances in its past: neighbours are compared
        around = sorted(distances[max(number - 8, 0) : number + 9])
        usual = around[len(around) // 2]
        if distance > max(usual * _GAP, 2.0) or ticks[number + 1].at < ticks[number].at:
            ends.append(ticks[number + 1].time)
    return ends


def _uses(ticks: Sequence[Tick], start: float, gaps: Sequence[float]) -> dict[str, list[Series]]:
    """Return a figure for each use, by its kind."""
    values: dict[str, list[tuple[float, Use]]] = {}
    for tick in ticks:
        for use in tick.uses:
            values.setdefault(use.id, []).append((tick.time, use))
    kinds: dict[str, list[Series]] = {}
    for rows in values.values():
        kinds.setdefault(rows[-1][1].kind, []).append(_series(rows, start, gaps))
    return kinds


def _series(rows: Sequence[tuple[float, Use]], start: float, gaps: Sequence[float]) -> Series:
    last = rows[-1][1]
    limits = [(time - start, use.limit if isinstance(use.limit, int) else None) for time, use in rows]
    knees = [(time - start, use.knee) for time, use in rows]
    shares = [share for _, use in rows if (share := use.share) is not None]
    most_at, most = max(((time, use.used) for time, use in rows), key=lambda row: row[1])
    return Series(
        id=last.id,
        name=last.name,
        unit=last.unit,
        points=_broken([(time - start, float(use.used)) for time, use in rows], start, gaps),
        most=most,
        most_at=most_at - start,
        limits=_steps(limits),
        knees=_steps(knees),
        closest=max(shares, default=None),
    )


def _levels(ticks: Sequence[Tick], start: float, gaps: Sequence[float], name: str) -> list[Series]:
    points = [(tick.time - start, float(tick.counters[name])) for tick in ticks if name in tick.counters]
    unit = "bytes" if name.startswith("memory.") else "sockets"
    return [_plain(name, counted.NAMES[name], unit, points, start, gaps)] if points else []


def _rates(
    ticks: Sequence[Tick], start: float, gaps: Sequence[float], names: Iterable[str], moved: bool = False
) -> list[Series]:
    """Return counters as rates per second between two looks; with `moved` only those that moved at all."""
    figures = []
    for name in names:
        seen = [(tick.time, tick.at, tick.counters[name]) for tick in ticks if name in tick.counters]
        points = [
            (b[0] - start, max(b[2] - a[2], 0) / (b[1] - a[1])) for a, b in itertools.pairwise(seen) if b[1] > a[1]
        ]
        if points and not (moved and not any(value for _, value in points)):
            figures.append(_plain(name, counted.NAMES[name], "per second", points, start, gaps))
    return figures


def _plain(
    id: str, name: str, unit: str, points: Sequence[tuple[float, float]], start: float, gaps: Sequence[float]
) -> Series:
    at, most = max(points, key=lambda point: point[1])
    return Series(id, name, unit, _broken(points, start, gaps), most, at)


def _broken(points: Sequence[tuple[float, float]], start: float, gaps: Sequence[float]) -> tuple[Point, ...]:
    """Return the points with one without a value wherever a gap lies between two."""
    broken: list[Point] = []
    for time, value in points:
        if broken and bisect.bisect_right(gaps, broken[-1][0] + start) < bisect.bisect_right(gaps, time + start):
            broken.append((time, None))
        broken.append((time, value))
    return tuple(broken)


def _steps(values: Sequence[tuple[float, int | None]]) -> tuple[tuple[float, int | None], ...]:
    """Return a value where it begins, and wherever it becomes another."""
    return tuple(value for n, value in enumerate(values) if not n or value[1] != values[n - 1][1])


def _changes(series: Iterable[Series]) -> Iterable[str]:
    rows = []
    for figure in series:
        for (_, before), (at, now) in itertools.pairwise(figure.limits):
            rows.append((at, f"after {at:,.0f} s {changed(figure.name, before, now).removesuffix(' now')}"))
    return [text for _, text in sorted(rows)]
