"""A way from box to box: a column for each step, how full each gauge of a box is, arrows with what runs on them.

What is short or slow, and the narrowest place, is shown by a word and a shape, so colour never alone carries meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hosttune.model.drawings import Box, Flow, Gauge, Wire
from hosttune.model.roles import Role
from hosttune.render.figures import cut
from hosttune.render.shapes import BACK, EDGE, FILLS, INK, LINE, PALE, PAPER, Picture, fitted, letters, rect, text

_WIDTH, _GAP, _BETWEEN = 900, 116, 28
_BOX, _HEAD, _ROW = 207, 84, 46
_WIRE = PALE
_APART = 66  # pixels between what two arrows say


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a box stands, in pixels."""

    box: Box
    x: int
    y: int
    high: int

    @property
    def middle(self) -> int:
        return self.y + self.high // 2


def draw(block: Flow) -> Picture:
    """Return the picture, 900 pixels wide for up to three steps, wider for more."""
    places = _places(block.boxes)
    steps = max((box.step for box in block.boxes), default=0) + 1
    low = max((place.y + place.high for place in places.values()), default=0)
    wires, deep = _wires(block.wires, places, low)
    lines = (*wires, *(line for place in places.values() for line in _box(place)))
    return Picture(lines, max(_WIDTH, 2 * EDGE + steps * _BOX + (steps - 1) * _GAP), low + deep + 20)


def _places(boxes: tuple[Box, ...]) -> dict[str, _Place]:
    """Return a place for each box; columns that are less high than others stand in the middle."""
    columns = [[box for box in boxes if box.step == step] for step in sorted({box.step for box in boxes})]
    high = {box.name: _HEAD + _ROW * max(len(box.gauges), 1) for box in boxes}
    tall = [sum(high[box.name] + _BETWEEN for box in column) for column in columns]
    places: dict[str, _Place] = {}
    for column, height in zip(columns, tall, strict=True):
        y = 20 + (max(tall) - height) // 2
        for box in column:
            places[box.name] = _Place(box, EDGE + box.step * (_BOX + _GAP), y, high[box.name])
            y += high[box.name] + _BETWEEN
    return places


def _box(place: _Place) -> Iterator[str]:
    box, x = place.box, place.x + 12
    stroke, thick = (INK, 3) if box.mark else (LINE, 1)
    yield rect(place.x, place.y, _BOX, place.high, rx=6, fill=BACK, stroke=stroke, stroke_width=thick)
    yield fitted(x, place.y + 22, box.name, INK, _BOX - 24, 15, "bold")
    for down, line in zip((41, 58), box.lines, strict=False):
        yield fitted(x, place.y + down, line, INK, _BOX - 24)
    if box.mark:
        yield f'<path d="M{x} {place.y - 12}h12l-6 9z" fill="{INK}"/>'
        yield text(x + 17, place.y - 4, box.mark, INK, size=11, weight="bold")
    if not box.gauges:
        yield fitted(x, place.y + _HEAD + 10, "no limit is known", PALE, _BOX - 24)
    for row, gauge in enumerate(box.gauges):
        yield from _gauge(gauge, x, place.y + _HEAD + row * _ROW)


def _gauge(gauge: Gauge, x: int, y: int) -> Iterator[str]:
    """Yield a limit as a frame, filled as far as the load fills it, with a stroke where it slows."""
    wide, most = _BOX - 24, gauge.limit
    part = min(gauge.load / most, 1.0) if most else 1.0
    bad = gauge.role is not Role.GOOD
    label = ("▶ " if gauge.marked else "") + cut(gauge.name, letters(wide, 12) - len(gauge.word) - 3, True)
    yield fitted(x, y, label, INK, wide - 42, 12, "bold" if gauge.marked else "normal")
    yield text(x + wide, y, gauge.word, INK, anchor="end", size=12, weight="bold" if bad else "normal")
    yield rect(x, y + 5, wide * part, 9, fill=FILLS.get(gauge.role, FILLS[Role.PLAIN]))
    yield rect(x, y + 5, wide, 9, fill="none", stroke=INK if gauge.marked else LINE)
    if gauge.knee is not None and most:
        at = x + wide * min(gauge.knee / most, 1.0)
        yield f'<path d="M{at:.1f} {y + 3}v13" stroke="{INK}" stroke-width="2"/>'
    each = f"of {most:,}" + (f", slow above {gauge.knee:,}" if gauge.knee is not None else "")
    yield fitted(x, y + 26, each, PALE, wide, 10)


def _wires(wires: tuple[Wire, ...], places: dict[str, _Place], low: int) -> tuple[list[str], int]:
    """Return an arrow for each wire; one that passes over a column goes below all boxes, which makes room `deep`."""
    lines: list[str] = []
    labels: list[str] = []
    taken: dict[int, list[int]] = {}
    deep = 0
    for wire in wires:
        start, end = places[wire.start], places[wire.end]
        if end.box.step == start.box.step + 1:
            lines += _straight(start, end)
            labels += _labels(start, end, wire.notes, taken.setdefault(start.box.step, []))
        else:
            deep += 34
            lines += _around(start, end, wire.notes, low + deep - 6)
    return [*lines, *labels], deep


def _straight(start: _Place, end: _Place) -> list[str]:
    x1, x2 = start.x + _BOX, end.x
    return [
        f'<path d="M{x1} {start.middle}L{x2 - 9} {end.middle}" stroke="{_WIRE}" stroke-width="2" fill="none"/>',
        f'<path d="M{x2 - 10} {end.middle - 5}v10l9 -5z" fill="{_WIRE}"/>',
    ]


def _labels(start: _Place, end: _Place, notes: tuple[str, ...], taken: list[int]) -> Iterator[str]:
    """Yield what an arrow says, clear of what others say in that gap; a white edge keeps it legible on arrows."""
    if not notes:
        return
    y = (start.middle + end.middle) // 2
    while any(abs(y - other) < _APART for other in taken):
        y += _APART
    taken.append(y)
    for down, note in zip((-20, -6, 16, 30), notes, strict=False):
        line = fitted((start.x + _BOX + end.x) // 2, y + down, note, INK, _GAP - 8, 11, anchor="middle")
        yield line.replace("<text ", f'<text stroke="{PAPER}" stroke-width="4" ', 1)
        yield line


def _around(start: _Place, end: _Place, notes: tuple[str, ...], y: int) -> Iterator[str]:
    x1, x2 = start.x + _BOX - 20, end.x + 20
    yield (
        f'<path d="M{x1} {start.y + start.high}V{y}H{x2}V{end.y + end.high + 9}" stroke="{_WIRE}" stroke-width="2" '
        'fill="none"/>'
    )
    yield f'<path d="M{x2 - 5} {end.y + end.high + 10}h10l-5 -9z" fill="{_WIRE}"/>'
    if notes:
        note = ", ".join(filter(None, notes))
        yield fitted((x1 + x2) // 2, y - 5, note, INK, abs(x2 - x1) - 8, 11, anchor="middle")
