"""The bounds as a picture for a report: bars on a log scale, the wanted number as a line through them.

The text is plain SVG 1.1 without script, style sheet or font of its own; colour never alone carries meaning.
"""

from __future__ import annotations

import math

from hosttune.model import Bound, Report, Unknown
from hosttune.printable import cleaned
from hosttune.render.view.figures import cut, hard_bounds
from hosttune.render.view.shapes import INK as _INK
from hosttune.render.view.shapes import PALE as _PALE
from hosttune.render.view.shapes import safe, text

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 980, 310, 750, 44, 112
_BEYOND = 100
_SHORT, _ENOUGH, _USED, _GRID = "#c6402f", "#3f8f4f", "#23303d", "#dfe5ea"


def render(report: Report) -> str:
    """Return an SVG document."""
    report = cleaned(report)
    bounds = hard_bounds(report)
    wanted = report.workload.connections
    # what lies far beyond the wanted number is drawn to the edge: a limit of 2**63 would squeeze all others
    most = 10 ** math.ceil(math.log10(max(10, min(wanted * _BEYOND, max([wanted, *(n for n, _ in bounds)])))))
    unknown = [f"{b.name}: {b.hard}" for b in report.bounds if isinstance(b.hard, Unknown)]
    bottom = _TOP + _ROW * len(bounds)
    height = bottom + 48 + 20 * len(unknown)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="sans-serif" font-size="14">',
        f"<title>{safe(_title(report))}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(24, 34, cut(_title(report), 118, True), _INK),
        _text(24, 60, _verdict(report, bounds), _INK, weight="bold", size=18),
        *_scale(most, bottom),
        *(line for row, (number, bound) in enumerate(bounds) for line in _row(row, number, bound, wanted, most)),
        *_wanted(wanted, most, bottom),
        *(_text(24, bottom + 52 + 20 * n, f"could not be told: {why}", _PALE) for n, why in enumerate(unknown)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _title(report: Report) -> str:
    machine, load = report.machine, report.workload
    parts = [machine.hostname, machine.pretty, f"Linux {machine.kernel}" if machine.kernel else ""]
    parts += [f"role {' + '.join(report.roles)}", f"wanted {load.connections:,} connections at {load.rate:,}/s"]
    return " · ".join(part for part in parts if part)


def _verdict(report: Report, bounds: list[tuple[int, Bound]]) -> str:
    if not bounds:
        return "No bound could be told"
    number, first = bounds[0]
    if number >= report.workload.connections:
        return f"Carries {report.workload.connections:,}: the first limit is {first.name}, at {number:,}"
    knee = f" (slow from {first.knee:,})" if first.knee else ""
    return f"Stalls at {number:,} connections: {first.name}{knee}"


def _scale(most: int, bottom: int) -> list[str]:
    """Return a line and a label for each power of ten."""
    lines: list[str] = []
    for power in range(round(math.log10(most)) + 1):
        x = _x(10**power, most)
        lines.append(f'<line x1="{x}" y1="{_TOP - 14}" x2="{x}" y2="{bottom}" stroke="{_GRID}"/>')
        lines.append(_text(x, bottom + 20, f"{10**power:,}", _PALE, anchor="middle", size=11))
    return lines


def _row(row: int, number: int, bound: Bound, wanted: int, most: int) -> list[str]:
    y = _TOP + row * _ROW
    short = number < wanted
    end = max(_x(number, most), _LEFT + 2)
    fill = _SHORT if short else _ENOUGH
    lines = [
        _text(_LEFT - 12, y + 14, cut(bound.name, 42, True), _INK, anchor="end"),
        f'<rect x="{_LEFT}" y="{y}" width="{end - _LEFT:.1f}" height="18" fill="{fill}"/>',
        _text(_RIGHT + 12, y + 14, f"{number:,}" + (" short" if short else ""), _INK),
    ]
    if bound.used:
        used = max(_x(bound.used, most) - _LEFT, 1)
        lines.append(f'<rect x="{_LEFT}" y="{y + 12}" width="{used:.1f}" height="6" fill="{_USED}"/>')
    if bound.knee:
        x = _x(bound.knee, most)
        lines.append(f'<path d="M{x:.1f} {y - 3}v24" stroke="{_INK}" stroke-width="2"/>')
    told = [f"raise it: {bound.raised_by}"] if short and bound.raised_by else []
    told += [f"slow from {bound.knee:,}"] if bound.knee else []
    told += [f"{bound.used:,} used now"] if bound.used else []
    if told:
        lines.append(_text(_LEFT, y + 32, cut(" · ".join(told), 96, True), _PALE, size=11))
    return lines


def _wanted(wanted: int, most: int, bottom: int) -> list[str]:
    x = _x(wanted, most)
    return [
        f'<line x1="{x:.1f}" y1="{_TOP - 18}" x2="{x:.1f}" y2="{bottom}" stroke="{_INK}" stroke-width="2" '
        'stroke-dasharray="6 4"/>',
        _text(x, _TOP - 22, f"wanted {wanted:,}", _INK, anchor="middle", size=12),
    ]


def _x(number: int, most: int) -> float:
    return _LEFT + (_RIGHT - _LEFT) * min(math.log10(max(number, 1)) / math.log10(most), 1.0)


def _text(x: float, y: int, said: str, fill: str, anchor: str = "start", size: int = 14, weight: str = "normal") -> str:
    return text(x, y, said, fill, anchor=anchor, size=size, weight=weight)
