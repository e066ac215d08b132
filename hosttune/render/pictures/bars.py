"""Numbers as bars on a log scale, the target as a line through them."""

from __future__ import annotations

import math

from hosttune.model.document import Bar, Bars
from hosttune.render.figures import cut
from hosttune.render.shapes import FILLS, GRID, INK, PALE, Picture, rect, text

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 980, 310, 750, 44, 40
_USED = "#23303d"
_BEYOND = 100


def draw(block: Bars) -> Picture:
    """Return the picture; what lies far beyond the target is drawn to the edge."""
    highest = max([block.target, *(bar.number for bar in block.bars)])
    most = 10 ** math.ceil(math.log10(max(10, min(block.target * _BEYOND, highest))))
    bottom = _TOP + _ROW * len(block.bars)
    lines = [*_scale(most, bottom), *(line for n, bar in enumerate(block.bars) for line in _bar(n, bar, most))]
    return Picture((*lines, *_target(block.target, most, bottom)), _WIDTH, bottom + 30)


def _scale(most: int, bottom: int) -> list[str]:
    """Return a line and a label for each power of ten."""
    lines: list[str] = []
    for power in range(round(math.log10(most)) + 1):
        x = _x(10**power, most)
        lines.append(f'<line x1="{x}" y1="{_TOP - 14}" x2="{x}" y2="{bottom}" stroke="{GRID}"/>')
        lines.append(text(x, bottom + 20, f"{10**power:,}", PALE, anchor="middle", size=11))
    return lines


def _bar(row: int, bar: Bar, most: int) -> list[str]:
    y = _TOP + row * _ROW
    end = max(_x(bar.number, most), _LEFT + 2)
    word = bar.word or ("short" if bar.role.value == "bad" else "")
    lines = [
        text(_LEFT - 12, y + 14, cut(bar.name, 42, True), INK, anchor="end", size=14),
        rect(_LEFT, y, end - _LEFT, 18, fill=FILLS[bar.role]),
        text(_RIGHT + 12, y + 14, f"{bar.figure} {word}".rstrip(), INK, size=14),
    ]
    if bar.used:
        lines.append(rect(_LEFT, y + 12, max(_x(bar.used, most) - _LEFT, 1), 6, fill=_USED))
    if bar.knee:
        x = _x(bar.knee, most)
        lines.append(f'<path d="M{x:.1f} {y - 3}v24" stroke="{INK}" stroke-width="2"/>')
    notes = [f"{note.label}: {note.text}" if note.label else note.text for note in bar.notes]
    if notes:
        lines.append(text(_LEFT, y + 32, cut(" · ".join(notes), 96, True), PALE, size=11))
    return lines


def _target(target: int, most: int, bottom: int) -> list[str]:
    x = _x(target, most)
    return [
        f'<line x1="{x:.1f}" y1="{_TOP - 18}" x2="{x:.1f}" y2="{bottom}" stroke="{INK}" stroke-width="2" '
        'stroke-dasharray="6 4"/>',
        text(x, _TOP - 22, f"target {target:,}", INK, anchor="middle", size=12),
    ]


def _x(number: int, most: int) -> float:
    return _LEFT + (_RIGHT - _LEFT) * min(math.log10(max(number, 1)) / math.log10(most), 1.0)
