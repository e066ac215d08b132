"""Figures over time: a line each with dashes of its own, its name, its maximum, and where its bound lay."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from hosttune.model.document import Plot
from hosttune.model.drawings import Curve
from hosttune.model.roles import Role
from hosttune.render.figures import amount, cut
from hosttune.render.shapes import FILLS, GRID, INK, PALE, Picture, text

_WIDTH, _LEFT, _RIGHT, _HIGH, _TOP = 1100, 110, 690, 150, 26
BOUND = FILLS[Role.BAD]
LINES = (
    ("#1f5f99", ""),
    ("#946600", "7 3"),
    ("#006e66", "2 3"),
    ("#5b3fc4", "10 3 2 3"),
    ("#a3326b", "4 2"),
    ("#4d5b68", "1 2"),
)
_SHOWN = 0.2
"""The least part of a bound that must have been taken for the bound to be within the picture, not only in words."""

_FINEST = 560  # moments that one line can show


def draw(block: Plot) -> Picture:
    """Return the picture."""
    most = top(block)
    height = max(_HIGH, 36 * len(block.curves))
    lines = [text(24, _TOP - 14, block.title, INK, size=14, weight="bold"), *_axes(block, most)]
    for number, curve in enumerate(block.curves):
        lines += [*_bounds(curve, block, most), *_line(curve, number, most, block.seconds), *_legend(curve, number)]
    return Picture(tuple(lines), _WIDTH, _TOP + height + 52)


def _axes(block: Plot, most: float) -> Iterator[str]:
    for part in range(5):
        y = _TOP + _HIGH * (1 - part / 4)
        yield f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_RIGHT}" y2="{y:.1f}" stroke="{GRID}"/>'
        yield text(_LEFT - 8, y + 4, amount(most * part / 4, block.unit), PALE, anchor="end", size=11)
    for part in range(5):
        x, at = _LEFT + (_RIGHT - _LEFT) * part / 4, block.seconds * part / 4
        yield text(x, _TOP + _HIGH + 16, moment(at, block.seconds), PALE, anchor="middle", size=11)


def moment(at: float, seconds: float) -> str:
    """Return a time on the axis, in the unit that suits its length."""
    if seconds < 40:
        return f"{at:,.1f} s"
    if seconds < 600:
        return f"{at:,.0f} s"
    return f"{at / 60:,.0f} min" if seconds < 4 * 3600 else f"{at / 3600:,.1f} h"


def top(block: Plot) -> float:
    """Return the top of the scale: above all figures, and above the bounds that they came near to."""
    most = max(curve.most for curve in block.curves)
    near = [value for curve in block.curves for value in drawn(curve, most)]
    scale = 1 << 20 if block.unit == "bytes" else 1
    return _round(max([most / scale, 1.0, *(value / scale for value in near)]) * 1.04) * scale


def drawn(curve: Curve, most: float) -> list[int]:
    """Return the limits and the knee that are within the picture."""
    values = [value for _, value in (*curve.limits, *curve.knees) if value is not None]
    return sorted({value for value in values if value and max(most, curve.most) >= value * _SHOWN})


def _round(value: float) -> float:
    """Return the next number that four parts divide well."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10, 12) if step * power >= value)


def _bounds(curve: Curve, block: Plot, most: float) -> Iterator[str]:
    """Yield the limit as a dashed line with a step wherever it was changed, the knee as a dotted one."""
    shown: set[str] = set()
    for steps, dashes, word in ((curve.limits, "8 4", "limit"), (curve.knees, "2 4", "slow above")):
        for number, (at, value) in enumerate(steps):
            if value is None or value > most or value not in drawn(curve, most):
                continue
            end = steps[number + 1][0] if number + 1 < len(steps) else block.seconds
            y, x1, x2 = _y(value, most), _x(at, block.seconds), _x(end, block.seconds)
            yield (
                f'<line x1="{x1:.1f}" y1="{y:.1f}" x2="{x2:.1f}" y2="{y:.1f}" stroke="{BOUND}" '
                f'stroke-width="1.5" stroke-dasharray="{dashes}"/>'
            )
            label = f"{word} {amount(value, block.unit)}"
            if label not in shown:
                shown.add(label)
                yield text(x1 + 4, y - 4, label, BOUND, size=10)


def _line(curve: Curve, number: int, most: float, seconds: float) -> Iterator[str]:
    colour, dashes = LINES[number % len(LINES)]
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    for piece in pieces(curve.points, seconds):
        points = [(_x(at, seconds), _y(value, most)) for at, value in piece]
        if len(points) == 1:
            yield f'<circle cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="2" fill="{colour}"/>'
        else:
            drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            yield f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="1.8"{dashed}/>'
    x, y = _x(curve.most_at, seconds), _y(curve.most, most)
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def pieces(points: Sequence[tuple[float, float | None]], seconds: float) -> list[list[tuple[float, float]]]:
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
    kept: list[tuple[float, float]] = []
    for cell in cells.values():
        ends = {min(cell, key=lambda point: point[1]), max(cell, key=lambda point: point[1])}
        kept += sorted(ends)
    return kept


def _legend(curve: Curve, number: int) -> Iterator[str]:
    colour, dashes = LINES[number % len(LINES)]
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    x, y = _RIGHT + 20, _TOP + 36 * number + 6
    yield f'<line x1="{x}" y1="{y}" x2="{x + 26}" y2="{y}" stroke="{colour}" stroke-width="2.5"{dashed}/>'
    yield text(x + 34, y + 4, cut(curve.name, 52, True), INK)
    yield text(x + 34, y + 18, cut(curve.note, 64, True), PALE, size=10)


def _x(at: float, seconds: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * (at / seconds if seconds else 0.0)


def _y(value: float, most: float) -> float:
    return _TOP + _HIGH * (1 - min(value / most, 1.0))
