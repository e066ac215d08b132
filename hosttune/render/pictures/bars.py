"""Numbers as bars on a log scale, the target as a line through them."""

from __future__ import annotations

from hosttune.model.drawings import Bar, Bars
from hosttune.model.roles import Role
from hosttune.render.figures import cut
from hosttune.render.scale import Scale, of_bars
from hosttune.render.shapes import FILLS, GRID, INK, PALE, Picture, rect, text

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 980, 310, 750, 44, 40


def draw(block: Bars) -> Picture:
    """Return the picture; what lies far beyond the target is drawn to the edge."""
    scale = of_bars(block)
    bottom = _TOP + _ROW * len(block.bars)
    first = binding(block)
    lines = [*_scale(scale, bottom)]
    lines += (line for n, bar in enumerate(block.bars) for line in _bar(n, bar, scale, bar is first))
    return Picture((*lines, *_target(block.target, scale, bottom)), _WIDTH, bottom + 30)


def binding(block: Bars) -> Bar | None:
    """Return the bar at which it stops: the least of those that are no knee."""
    return min((bar for bar in block.bars if bar.word != "slow"), key=lambda bar: bar.number, default=None)


def state(block: Bars, bar: Bar) -> str:
    """Return what a bar means for the target, in a word or two."""
    short = bar.number < block.target
    if short and bar.word == "slow":
        return "slow above here"
    return "stops here" if short and bar is binding(block) else bar.word or ("short" if short else "")


def _scale(scale: Scale, bottom: int) -> list[str]:
    """Return a line and a label for each power of ten."""
    lines: list[str] = []
    for part, label in scale.ticks():
        x = _LEFT + (_RIGHT - _LEFT) * part
        lines.append(f'<line x1="{x:.1f}" y1="{_TOP - 14}" x2="{x:.1f}" y2="{bottom}" stroke="{GRID}"/>')
        lines.append(text(x, bottom + 20, label, PALE, anchor="middle", size=11))
    return lines


def _bar(row: int, bar: Bar, scale: Scale, first: bool) -> list[str]:
    y = _TOP + row * _ROW
    end = max(_x(bar.number, scale), _LEFT + 2)
    word = bar.word or ("short" if bar.role.value == "bad" else "")
    word = "stops here" if first and word == "short" else word
    lines = [
        text(_LEFT - 12, y + 14, ("▶ " if first else "") + cut(bar.name, 42, True), INK, anchor="end", size=14),
        rect(_LEFT, y, end - _LEFT, 18, fill=FILLS.get(bar.role, FILLS[Role.PLAIN])),
        text(_RIGHT + 12, y + 14, f"{bar.figure} {word}".rstrip(), INK, size=14),
    ]
    if bar.used:
        lines.append(rect(_LEFT, y + 12, max(_x(bar.used, scale) - _LEFT, 1), 6, fill=INK))
    if bar.knee:
        lines.append(f'<path d="M{_x(bar.knee, scale):.1f} {y - 3}v24" stroke="{INK}" stroke-width="2"/>')
    notes = [f"{note.label}: {note.text}" if note.label else note.text for note in bar.notes]
    if notes:
        lines.append(text(_LEFT, y + 32, cut(" · ".join(notes), 96, True), PALE, size=11))
    return lines


def _target(target: int, scale: Scale, bottom: int) -> list[str]:
    x = _x(target, scale)
    return [
        f'<line x1="{x:.1f}" y1="{_TOP - 18}" x2="{x:.1f}" y2="{bottom}" stroke="{INK}" stroke-width="2" '
        'stroke-dasharray="6 4"/>',
        text(x, _TOP - 22, f"target {target:,}", INK, anchor="middle", size=12),
    ]


def _x(number: int, scale: Scale) -> float:
    return _LEFT + (_RIGHT - _LEFT) * scale.at(number)
