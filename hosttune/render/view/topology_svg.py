"""A plan as a picture: a column for each step of the way, a box for each tier, how full each of its bounds gets.

The text is plain SVG 1.1 without script, style sheet or font of its own; what is short or slow, and the narrowest
place, is said by a word and a shape, so colour never alone carries meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hosttune.model import Bottleneck, Hop, Sizing, TierPlan
from hosttune.printable import cleaned
from hosttune.render.view import topology_places as places
from hosttune.render.view import topology_words as words
from hosttune.render.view.figures import counted, cut, fold
from hosttune.render.view.shapes import INK, PALE, safe, text

_WIDTH, _EDGE, _GAP, _TOP, _BETWEEN = 900, 24, 116, 24, 28
_BOX, _HEAD, _ROW, _BARS = 207, 84, 46, 5
_SHORT, _SLOW, _ENOUGH, _LINE, _BACK, _WIRE = "#c6402f", "#b3541e", "#3f8f4f", "#8a97a3", "#f4f6f8", "#5c6b7a"
_LETTERS = 7.3  # pixels of a letter of size 14 in most sans-serif fonts, with some to spare
_NOTES = 12
_APART = 66  # pixels between what two arrows say


@dataclass(frozen=True, slots=True)
class Box:
    """Where a tier stands, in pixels, and the bounds that it shows."""

    plan: TierPlan
    column: int
    x: int
    y: int
    high: int
    places: tuple[Bottleneck, ...]

    @property
    def middle(self) -> int:
        return self.y + self.high // 2


def render(sizing: Sizing) -> str:
    """Return an SVG document, 900 pixels wide for up to three steps, wider for more."""
    sizing = cleaned(sizing)
    columns = _columns(sizing)
    width = max(_WIDTH, 2 * _EDGE + len(columns) * _BOX + (len(columns) - 1) * _GAP)
    head = _title(sizing, width)
    boxes = _boxes(sizing, columns, head.bottom)
    low = max((box.y + box.high for box in boxes.values()), default=head.bottom)
    wires = _wires(boxes, low)
    low += wires.deep
    notes = _notes(sizing, width, low + 34)
    height = notes.bottom
    return (
        "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="{width}" height="{height}" '
                f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
                f"<title>{safe(words.title(sizing))}</title>",
                f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
                *head.lines,
                *wires.lines,
                *(line for box in boxes.values() for line in _box(sizing, box)),
                *notes.lines,
                "</svg>",
            ]
        )
        + "\n"
    )


@dataclass(frozen=True, slots=True)
class Part:
    """Lines of the document and where they end; `deep` is what they take below the boxes."""

    lines: tuple[str, ...]
    bottom: int = 0
    deep: int = 0


def _columns(sizing: Sizing) -> list[list[TierPlan]]:
    """Return the tiers by how many steps the longest way to them has."""
    step: dict[str, int] = {}
    for plan in sizing.tiers:
        step.setdefault(plan.tier.name, 0)
        for leg in plan.tier.to:
            for name in leg.tiers:
                step[name] = max(step.get(name, 0), step[plan.tier.name] + 1)
    last = max(step.values(), default=0)
    return [[plan for plan in sizing.tiers if step[plan.tier.name] == number] for number in range(last + 1)]


def _title(sizing: Sizing, width: int) -> Part:
    y, lines = _TOP - 14, []
    for said, size, weight, fill in _heading(sizing):
        for line in fold(said, _letters(width - 2 * _EDGE, size), ""):
            y += size + 9
            lines.append(text(_EDGE, y, line, fill, size=size, weight=weight))
    return Part(tuple(lines), y + 18)


def _heading(sizing: Sizing) -> Iterator[tuple[str, int, str, str]]:
    first, *why = places.answer(sizing)
    yield words.title(sizing), 14, "normal", INK
    if sizing.topology.title:
        yield sizing.topology.title, 12, "normal", PALE
    if words.found(sizing):
        yield f"found: {words.found(sizing)}", 14, "bold", INK
    yield first, 17, "bold", INK
    for told in why:
        yield told, 12, "normal", INK


def _boxes(sizing: Sizing, columns: list[list[TierPlan]], top: int) -> dict[str, Box]:
    """Return a box for each tier; columns that are less high than others stand in the middle."""
    found: dict[str, Box] = {}
    shown = {plan.tier.name: _shown(sizing, plan.tier.name) for plan in sizing.tiers}
    high = {name: _HEAD + _ROW * max(len(bars), 1) for name, bars in shown.items()}
    tall = [sum(high[plan.tier.name] + _BETWEEN for plan in plans) for plans in columns]
    for number, plans in enumerate(columns):
        x, y = _EDGE + number * (_BOX + _GAP), top + 16 + (max(tall) - tall[number]) // 2
        for plan in plans:
            name = plan.tier.name
            found[name] = Box(plan, number, x, y, high[name], shown[name])
            y += high[name] + _BETWEEN
    return found


def _shown(sizing: Sizing, tier: str) -> tuple[Bottleneck, ...]:
    """Return the narrowest places of a tier; among them is the one that decides, though it only slows."""
    found = [place for place in places.stalls(sizing) if place.tier == tier][:_BARS]
    decides = _narrowest(sizing)
    if decides is not None and decides.tier == tier and decides.bound not in [place.bound for place in found]:
        found = [decides, *found[: _BARS - 1]]
    return tuple(found)


def _box(sizing: Sizing, box: Box) -> list[str]:
    tier, share = box.plan.tier, box.plan.workload
    decides = _narrowest(sizing)
    narrow = decides is not None and decides.tier == tier.name
    about = " · ".join(part for part in (words.hosts(tier), tier.program or tier.role) if part)
    lines = [
        f'<rect x="{box.x}" y="{box.y}" width="{_BOX}" height="{box.high}" rx="6" fill="{_BACK}" '
        f'stroke="{INK if narrow else _LINE}" stroke-width="{3 if narrow else 1}"/>',
        _fitted(box.x + 12, box.y + 22, tier.name, INK, _BOX - 24, 15, "bold"),
        _fitted(box.x + 12, box.y + 41, about, INK, _BOX - 24),
        _fitted(box.x + 12, box.y + 58, f"{share.connections:,} each, {share.rate:,}/s", INK, _BOX - 24),
    ]
    if narrow:
        x, y = box.x + 12, box.y
        lines.append(f'<path d="M{x} {y - 12}h12l-6 9z" fill="{INK}"/>')
        lines.append(text(x + 17, y - 4, "narrowest place", INK, size=11, weight="bold"))
    if not box.places:
        lines.append(_fitted(box.x + 12, box.y + _HEAD + 10, "no limit is known", PALE, _BOX - 24))
    for row, place in enumerate(box.places):
        marked = narrow and decides is not None and place.bound == decides.bound
        lines += _bar(sizing, box, box.y + _HEAD + row * _ROW, place, marked)
    return lines


def _narrowest(sizing: Sizing) -> Bottleneck | None:
    """Return the place that the answer names: where it refuses first, or where it slows if that comes before."""
    wanted, slow = sizing.topology.connections, places.slows(sizing)[:1]
    first = next(iter(places.stalls(sizing)), None)
    slowed = [place for place in slow if place.connections < wanted and sizing.topology.below_knee]
    refused = first is not None and first.connections * (1 - sizing.topology.headroom) < wanted
    return first if refused or not slowed else slowed[0]


def _bar(sizing: Sizing, box: Box, y: int, place: Bottleneck, marked: bool) -> list[str]:
    """Return a bound as a frame, filled as far as the load fills it, with a stroke where it slows."""
    load, limit, knee = box.plan.workload.connections, place.bound.hard, place.bound.knee
    most = limit if isinstance(limit, int) else knee or 0
    short = not place.knee and place.connections < sizing.topology.connections
    slow = not short and knee is not None and knee < load
    fill = _SHORT if short else _SLOW if slow else _ENOUGH
    x, wide = box.x + 12, _BOX - 24
    part = min(load / most, 1.0) if most else 1.0
    word = "short" if short else "slow" if slow else f"{load * 100 // most} %" if most else "full"
    name = places.name(place).partition(": ")[2]
    told = ("▶ " if marked else "") + cut(name, _letters(wide, 12) - len(word) - 3, True)
    lines = [
        _fitted(x, y, told, INK, wide - 42, 12, "bold" if marked else "normal"),
        text(x + wide, y, word, INK, anchor="end", size=12, weight="bold" if short or slow else "normal"),
        f'<rect x="{x}" y="{y + 5}" width="{wide * part:.1f}" height="9" fill="{fill}"/>',
        f'<rect x="{x}" y="{y + 5}" width="{wide}" height="9" fill="none" stroke="{INK if marked else _LINE}"/>',
    ]
    if knee is not None and most:
        at = x + wide * min(knee / most, 1.0)
        lines.append(f'<path d="M{at:.1f} {y + 3}v13" stroke="{INK}" stroke-width="2"/>')
    each = f"of {most:,}" + (f", slow from {knee:,}" if knee is not None else "")
    return [*lines, _fitted(x, y + 26, each, PALE, wide, 10)]


def _wires(boxes: dict[str, Box], low: int) -> Part:
    """Return an arrow for each leg and tier; one that passes over a column goes below all boxes."""
    lines: list[str] = []
    labels: list[str] = []
    taken: dict[int, list[int]] = {}
    deep = 0
    for box in boxes.values():
        for number, leg in enumerate(box.plan.tier.to):
            hop = _hop(box.plan, number)
            for name in leg.tiers:
                end = boxes[name]
                if end.column == box.column + 1:
                    lines += _straight(box, end)
                    labels += _labels(box, end, hop, taken.setdefault(box.column, [])) if hop else []
                else:
                    deep += 34
                    lines += _around(box, end, hop, low + deep - 6)
    return Part((*lines, *labels), deep=deep)


def _hop(plan: TierPlan, number: int) -> Hop | None:
    """Return the hop of a leg; with bind() all legs have their ports in common, and there is one hop."""
    return plan.hops[min(number, len(plan.hops) - 1)] if plan.hops else None


def _straight(box: Box, end: Box) -> list[str]:
    x1, x2 = box.x + _BOX, end.x
    return [
        f'<path d="M{x1} {box.middle}L{x2 - 9} {end.middle}" stroke="{_WIRE}" stroke-width="2" fill="none"/>',
        f'<path d="M{x2 - 10} {end.middle - 5}v10l9 -5z" fill="{_WIRE}"/>',
    ]


def _labels(box: Box, end: Box, hop: Hop, taken: list[int]) -> list[str]:
    """Return what an arrow says, clear of what others say in that gap; a white edge keeps it legible on arrows."""
    y = (box.middle + end.middle) // 2
    while any(abs(y - other) < _APART for other in taken):
        y += _APART
    taken.append(y)
    told = [counted(hop.pairs, "pool"), f"x {hop.ports:,} ports", f"{hop.each:,} each", _state(hop)]
    lines = []
    for down, said in zip((-20, -6, 16, 30), told, strict=True):
        line = _fitted((box.x + _BOX + end.x) // 2, y + down, said, INK, _GAP - 8, 11, anchor="middle")
        lines += [line.replace("<text ", '<text stroke="#ffffff" stroke-width="4" ', 1), line]
    return lines


def _state(hop: Hop) -> str:
    if hop.each > hop.ports:
        return "too many"
    return "" if hop.knee is None else "above the knee" if hop.each > hop.knee else "below the knee"


def _around(box: Box, end: Box, hop: Hop | None, y: int) -> list[str]:
    x1, x2 = box.x + _BOX - 20, end.x + 20
    lines = [
        f'<path d="M{x1} {box.y + box.high}V{y}H{x2}V{end.y + end.high + 9}" stroke="{_WIRE}" stroke-width="2" '
        'fill="none"/>',
        f'<path d="M{x2 - 5} {end.y + end.high + 10}h10l-5 -9z" fill="{_WIRE}"/>',
    ]
    if hop is not None:
        told = f"{counted(hop.pairs, 'pool')} x {hop.ports:,} ports, {hop.each:,} each, {_state(hop)}"
        lines.append(_fitted((x1 + x2) // 2, y - 5, told.rstrip(", "), INK, abs(x2 - x1) - 8, 11, anchor="middle"))
    return lines


def _notes(sizing: Sizing, width: int, top: int) -> Part:
    """Return the hops in words, and what is to be heeded, as far as there is room."""
    told = [words.hop(hop) for plan in sizing.tiers for hop in plan.hops]
    told += [f"{plan.tier.name}: {words.alone(plan)}" for plan in sizing.tiers if words.alone(plan)]
    told += [f"only {places.rate(sizing, number)}" for number in range(len(sizing.rates))]
    told += [f"could not be told: {said}" for said in words.untold(sizing)]
    told += words.remarks(sizing)
    more = len(told) - _NOTES
    told = [*told[:_NOTES], *([f"and {more:,} more remarks (--format table)"] if more > 0 else [])]
    y, lines = top, []
    for said in told:
        for line in fold(said, _letters(width - 2 * _EDGE, 12), "   "):
            lines.append(text(_EDGE, y, line, PALE, size=12))
            y += 17
        y += 3
    return Part(tuple(lines), y + 8)


def _letters(wide: int, size: int) -> int:
    """Return how many letters of a size fit so many pixels."""
    return int(wide / (_LETTERS * size / 14))


def _fitted(
    x: float, y: float, said: str, fill: str, wide: int, size: int = 12, weight: str = "normal", anchor: str = "start"
) -> str:
    return text(x, y, cut(said, _letters(wide, size), True), fill, anchor=anchor, size=size, weight=weight)
