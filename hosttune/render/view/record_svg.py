"""A recorded run as a picture: a chart for each kind of figure over time, its maximum, and where its bound lay.

The text is plain SVG 1.1 without script, style sheet or font of its own; each line has its own dashes and a name at
its end, so colour never alone carries meaning.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from hosttune.model import Account, Chart, Series
from hosttune.printable import cleaned
from hosttune.render.view.figures import cut
from hosttune.render.view.record import bound, figure, lasted, title
from hosttune.render.view.shapes import INK as _INK
from hosttune.render.view.shapes import PALE as _PALE
from hosttune.render.view.shapes import safe as _safe
from hosttune.render.view.shapes import text as _text

_WIDTH, _LEFT, _RIGHT, _HIGH, _GAP, _TOP = 1100, 110, 690, 150, 78, 96
_GRID, _BOUND = "#dfe5ea", "#c6402f"
_LINES = (
    ("#1f5f99", ""),
    ("#b3541e", "7 3"),
    ("#3f8f4f", "2 3"),
    ("#7a3e9d", "10 3 2 3"),
    ("#8a7500", "4 2"),
    ("#33808a", "1 2"),
)
_SHOWN = 0.2
"""The least part of a bound that must have been taken for the bound to be within the picture, not only in words."""

_FINEST = 560  # moments that one line can show


def render(found: Account) -> str:
    """Return an SVG document."""
    found = cleaned(found)
    tops: list[int] = []
    top = _TOP
    for chart in found.charts:
        tops.append(top)
        top += max(_HIGH, 36 * len(chart.series)) + _GAP
    body = [line for top_, chart in zip(tops, found.charts, strict=True) for line in _chart(chart, top_, found.seconds)]
    notes = [f"{found.ticks:,} looks in {lasted(found.seconds)}", *found.changes]
    height = top + 20 * len(notes)
    return (
        "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="{_WIDTH}" height="{height}" '
                f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="12">',
                f"<title>{_safe(title(found))}</title>",
                f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
                _text(24, 34, cut(title(found), 100, True), _INK, size=18, weight="bold"),
                _text(24, 56, cut(_host(found), 140, True), _PALE),
                *body,
                *(_text(24, top + 20 * n, cut(text, 150, True), _PALE) for n, text in enumerate(notes)),
                "</svg>",
            ]
        )
        + "\n"
    )


def _host(found: Account) -> str:
    if not found.runs:
        return ""
    run = found.runs[0]
    parts = [run.pretty, f"Linux {run.kernel}", f"{run.cpus} CPU" if run.cpus else ""]
    parts += [figure(run.memory, "bytes")] if run.memory else []
    return " · ".join(part for part in parts if part)


def _chart(chart: Chart, top: int, seconds: float) -> list[str]:
    most = _most(chart.series)
    unit = chart.series[0].unit
    lines = [_text(24, top - 14, chart.title + _of(chart), _INK, size=14, weight="bold")]
    for part in range(5):
        y = top + _HIGH * (1 - part / 4)
        lines.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_RIGHT}" y2="{y:.1f}" stroke="{_GRID}"/>')
        lines.append(_text(_LEFT - 8, y + 4, figure(most * part / 4, unit), _PALE, anchor="end", size=11))
    for part in range(5):
        x, at = _LEFT + (_RIGHT - _LEFT) * part / 4, seconds * part / 4
        lines.append(_text(x, top + _HIGH + 16, _moment(at, seconds), _PALE, anchor="middle", size=11))
    for number, one in enumerate(chart.series):
        lines += _bounds(one, top, most, seconds)
        lines += _line(one, number, top, most, seconds)
        lines += _legend(one, number, top)
    return lines


def _moment(at: float, seconds: float) -> str:
    """Return a time on the axis, in the unit that suits its length."""
    if seconds < 40:
        return f"{at:,.1f} s"
    if seconds < 600:
        return f"{at:,.0f} s"
    return f"{at / 60:,.0f} min" if seconds < 4 * 3600 else f"{at / 3600:,.1f} h"


def _of(chart: Chart) -> str:
    units = list(dict.fromkeys(one.unit for one in chart.series if one.unit != "bytes"))
    more = f", {chart.more:,} more are not shown" if chart.more else ""
    return (f" ({', '.join(units)}{more})" if units else f" ({more.lstrip(', ')})") if units or more else ""


def _most(series: Sequence[Series]) -> float:
    """Return the top of the scale: above all figures, and above the bounds that they came near to."""
    most = max(one.most for one in series)
    near = [value for one in series for value in _drawn(one, most)]
    scale = 1 << 20 if series[0].unit == "bytes" else 1
    return _round(max([most / scale, 1.0, *(value / scale for value in near)]) * 1.04) * scale


def _drawn(one: Series, most: float) -> list[int]:
    """Return the limits and the knee that are within the picture."""
    values = [value for _, value in (*one.limits, *one.knees) if value is not None]
    return sorted({value for value in values if value and max(most, one.most) >= value * _SHOWN})


def _round(value: float) -> float:
    """Return the next number that four parts divide well."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10, 12) if step * power >= value)


def _bounds(one: Series, top: int, most: float, seconds: float) -> list[str]:
    """Return the limit as a dashed line with a step wherever it was changed, the knee as a dotted one."""
    lines = []
    for steps, dashes, word in ((one.limits, "8 4", "limit"), (one.knees, "2 4", "slow from")):
        for number, (at, value) in enumerate(steps):
            if value is None or value > most or value not in _drawn(one, most):
                continue
            end = steps[number + 1][0] if number + 1 < len(steps) else seconds
            y, x1, x2 = _y(value, top, most), _x(at, seconds), _x(end, seconds)
            lines.append(
                f'<line x1="{x1:.1f}" y1="{y:.1f}" x2="{x2:.1f}" y2="{y:.1f}" stroke="{_BOUND}" '
                f'stroke-width="1.5" stroke-dasharray="{dashes}"/>'
            )
            told = f"{word} {figure(value, one.unit)}"
            if not any(told in line for line in lines):
                lines.append(_text(x1 + 4, y - 4, told, _BOUND, size=10))
    return lines


def _line(one: Series, number: int, top: int, most: float, seconds: float) -> list[str]:
    colour, dashes = _LINES[number % len(_LINES)]
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    lines = []
    for piece in _pieces(one.points, seconds):
        points = " ".join(f"{_x(at, seconds):.1f},{_y(value, top, most):.1f}" for at, value in piece)
        if len(piece) == 1:
            (at, value) = piece[0]
            x, y = _x(at, seconds), _y(value, top, most)
            lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>')
        else:
            lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"{dashed}/>')
    x, y = _x(one.most_at, seconds), _y(one.most, top, most)
    lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    return lines


def _pieces(points: Sequence[tuple[float, float | None]], seconds: float) -> list[list[tuple[float, float]]]:
    """Return the pieces between gaps, each thinned to what can be seen: of a moment its least and its highest."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for at, value in points:
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((at, value))
    width = max(seconds, 1e-9) / _FINEST
    return [_thin(piece, width) for piece in pieces if piece]


def _thin(piece: list[tuple[float, float]], width: float) -> list[tuple[float, float]]:
    if len(piece) <= _FINEST:
        return piece
    cells: dict[int, list[tuple[float, float]]] = {}
    for point in piece:
        cells.setdefault(int(point[0] / width), []).append(point)
    found: list[tuple[float, float]] = []
    for cell in cells.values():
        ends = {min(cell, key=lambda point: point[1]), max(cell, key=lambda point: point[1])}
        found += sorted(ends)
    return found


def _legend(one: Series, number: int, top: int) -> list[str]:
    colour, dashes = _LINES[number % len(_LINES)]
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    y = top + 36 * number + 6
    share = f" ({one.closest * 100:,.0f} %)" if one.closest is not None and bound(one) else ""
    told = f"most {figure(one.most, one.unit)} after {one.most_at:,.0f} s{share}"
    told += f"; bound {bound(one)}" if bound(one) else ""
    x = _RIGHT + 20
    return [
        f'<line x1="{x}" y1="{y}" x2="{x + 26}" y2="{y}" stroke="{colour}" stroke-width="2.5"{dashed}/>',
        _text(x + 34, y + 4, cut(one.name, 52, True), _INK),
        _text(x + 34, y + 18, cut(told, 64, True), _PALE, size=10),
    ]


def _x(at: float, seconds: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * (at / seconds if seconds else 0.0)


def _y(value: float, top: int, most: float) -> float:
    return top + _HIGH * (1 - min(value / most, 1.0))
