"""Charts that are as wide as the screen: rows of HTML whose tracks are SVG in percentages, so that no letter shrinks.

What a track shows is said in words beside it; a reader of screens skips the track.
"""

from __future__ import annotations

from collections.abc import Iterator

from hosttune.model.document import Plot
from hosttune.model.drawings import Bar, Bars, Curve, Gauge, Gauges
from hosttune.model.roles import Role
from hosttune.render.figures import amount
from hosttune.render.pictures import bars, plot
from hosttune.render.scale import Scale, of_bars
from hosttune.render.shapes import FILLS, GRID, INK, LINE, PALE, safe, text

_TRACK = 22
_HIGH = 190
_WIDE = 1000


def limits(block: Bars) -> Iterator[str]:
    """Yield limits on a labelled log scale, the target as a line through them, the binding one marked."""
    scale, first = of_bars(block), bars.binding(block)
    yield f'<div class="chart" role="group" aria-label="{quoted(block.title)}, on a log scale">'
    yield '<div class="row scale"><span class="name">connections, log scale</span>'
    yield f"{_track(''.join(_axis(scale, block.target)), 42)}<span></span></div>"
    for bar in block.bars:
        yield _limit(block, bar, scale, bar is first)
    yield "</div>"


def _axis(scale: Scale, target: int) -> Iterator[str]:
    at = scale.at(target)
    anchor = "start" if at < 0.25 else "end" if at > 0.75 else "middle"
    yield _text(at, 12, f"target {target:,}", INK, anchor, 13)
    yield _line(at, 36, 42, INK, 2)
    for part, label in scale.ticks():
        # a label at an end stays within the track
        yield _text(part, 32, label, PALE, "start" if part < 0.01 else "end" if part > 0.99 else "middle", 12)


def _limit(block: Bars, bar: Bar, scale: Scale, first: bool) -> str:
    drawn = [_line(part, 0, _TRACK, GRID) for part, _ in scale.ticks()]
    drawn.append(_rect(scale.at(bar.number), 3, _TRACK - 6, FILLS.get(bar.role, FILLS[Role.PLAIN])))
    if bar.used:
        drawn.append(_rect(scale.at(bar.used), _TRACK - 9, 6, INK))
    if bar.knee:
        drawn.append(_line(scale.at(bar.knee), 0, _TRACK, INK, 2))
    drawn.append(_line(scale.at(block.target), 0, _TRACK, INK, 2, "6 4"))
    state = bars.state(block, bar)
    facts = [f"slow above {bar.knee:,}"] if bar.knee else []
    facts += [f"{bar.used:,} in use"] if bar.used else []
    beside = f' <span class="state">{safe(state)}</span>' if state else ""
    below = f'<br><small class="about">{"; ".join(facts)}</small>' if facts else ""
    return (
        f'<div class="row {bar.role}{" first" if first else ""}"><span class="name">{"▶ " if first else ""}'
        f"{safe(bar.name)}</span>{_track(''.join(drawn))}"
        f'<span class="figure">{bar.figure}{beside}{below}</span></div>'
    )


def gauges(block: Gauges) -> Iterator[str]:
    """Yield how full each limit is: a frame, filled as far as it is used."""
    yield f'<div class="chart" role="group" aria-label="{quoted(block.title)}">'
    yield from (_gauge(gauge, block.unit) for gauge in block.gauges)
    yield from ([f'<p class="about">{safe(block.more)}</p>'] if block.more else [])
    yield "</div>"


def _gauge(gauge: Gauge, unit: str) -> str:
    most = gauge.limit
    part = min(gauge.load / most, 1.0) if most > 0 else 1.0
    drawn = [_rect(part, 3, _TRACK - 6, FILLS.get(gauge.role, FILLS[Role.PLAIN]))]
    frame = f'<rect x="0" y="3" width="100%" height="{_TRACK - 6}" fill="none" stroke="{LINE}" stroke-width="2"/>'
    drawn.append(frame)
    if gauge.knee is not None and most > 0:
        drawn.append(_line(min(gauge.knee / most, 1.0), 0, _TRACK, INK, 2))
    facts = [f"slow above {amount(gauge.knee, unit)}"] if gauge.knee is not None else []
    facts += [gauge.word] if gauge.word else []
    below = f'<br><small class="about">{safe("; ".join(facts))}</small>' if facts else ""
    return (
        f'<div class="row {gauge.role}"><span class="name">{"▶ " if gauge.marked else ""}{safe(gauge.name)}</span>'
        f"{_track(''.join(drawn))}"
        f'<span class="figure">{amount(gauge.load, unit)} of {amount(most, unit)}{below}</span></div>'
    )


def curves(block: Plot) -> Iterator[str]:
    """Yield figures over time with their limits drawn in, and the legend below."""
    most = plot.top(block)
    title = quoted(block.title)
    yield f'<figure class="chart"><svg role="img" aria-label="{title}" width="100%" height="{_HIGH + 44}">'
    notes = "; ".join(f"{curve.name}: {curve.note}" for curve in block.curves)
    yield f"<title>{safe(block.title)}</title><desc>{safe(notes)}</desc>"
    marks: list[str] = []
    yield f'<svg y="22" width="100%" height="{_HIGH}" viewBox="0 0 {_WIDE} {_HIGH}" preserveAspectRatio="none">'
    for part in range(5):
        yield _stroke([(0, part / 4), (1, part / 4)], GRID, 1)
        label = amount(most * part / 4, block.unit)
        marks.append(_text(0, 22 + _HIGH * (1 - part / 4) - 3, label, PALE, "start", 12))
        at = "start" if not part else "end" if part == 4 else "middle"
        marks.append(_text(part / 4, _HIGH + 40, plot.moment(block.seconds * part / 4, block.seconds), PALE, at, 12))
    said: set[tuple[str, float]] = set()
    for number, curve in enumerate(block.curves):
        for start, end, value, word in _bounds(curve, block.seconds, most):
            y = value / most
            yield _stroke([(start, y), (end, y)], plot.BOUND, 2, "8 4" if word == "limit" else "2 4")
            if (word, value) not in said:
                said.add((word, value))
                label = f"{word} {amount(value, block.unit)}"
                marks.append(_text(end, 18 + _HIGH * (1 - y), label, plot.BOUND, "end", 12))
        yield from _curve(curve, number, block.seconds, most)
    yield "</svg>"
    yield from marks
    yield '</svg><ul class="legend">'
    for number, curve in enumerate(block.curves):
        colour, dashes = plot.LINES[number % len(plot.LINES)]
        swatch = _line_across(colour, dashes)
        yield f"<li>{swatch}<span>{safe(curve.name)}<br><small>{safe(curve.note)}</small></span></li>"
    yield "</ul></figure>"


def _bounds(curve: Curve, seconds: float, most: float) -> Iterator[tuple[float, float, int, str]]:
    """Yield where each limit and knee within the picture begins and ends, its value and its word."""
    drawn = plot.drawn(curve, most)
    for steps, word in ((curve.limits, "limit"), (curve.knees, "slow above")):
        for number, (at, value) in enumerate(steps):
            end = steps[number + 1][0] if number + 1 < len(steps) else seconds
            if value is not None and value <= most and value in drawn:
                yield _part(at, seconds), _part(end, seconds), value, word


def _curve(curve: Curve, number: int, seconds: float, most: float) -> Iterator[str]:
    colour, dashes = plot.LINES[number % len(plot.LINES)]
    for piece in plot.pieces(curve.points, seconds):
        points = [(_part(at, seconds), min(value / most, 1.0)) for at, value in piece]
        if len(points) == 1:
            points.append((min(points[0][0] + 0.004, 1.0), points[0][1]))
        yield _stroke(points, colour, 2, dashes)


def _part(at: float, seconds: float) -> float:
    return min(max(at / seconds, 0.0), 1.0) if seconds > 0 else 0.0


def _stroke(points: list[tuple[float, float]], colour: str, wide: int, dashes: str = "") -> str:
    where = " ".join(f"{x * _WIDE:.1f},{_HIGH * (1 - y):.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<polyline points="{where}" fill="none" stroke="{colour}" stroke-width="{wide}"{dashed} '
        'vector-effect="non-scaling-stroke"/>'
    )


def _line_across(colour: str, dashes: str) -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    line = f'<line x1="0" y1="4" x2="32" y2="4" stroke="{colour}" stroke-width="3"{dashed}/>'
    return f'<svg aria-hidden="true" width="32" height="8">{line}</svg>'


def _track(drawn: str, high: int = _TRACK) -> str:
    return f'<svg class="track" aria-hidden="true" width="100%" height="{high}">{drawn}</svg>'


def _rect(part: float, y: int, high: int, fill: str) -> str:
    return f'<rect x="0" y="{y}" width="{max(part * 100, 0.5):.2f}%" height="{high}" fill="{fill}"/>'


def _line(part: float, y1: int, y2: int, stroke: str, wide: int = 1, dashes: str = "") -> str:
    at, dashed = f"{part * 100:.2f}%", f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<line x1="{at}" y1="{y1}" x2="{at}" y2="{y2}" stroke="{stroke}" stroke-width="{wide}"{dashed}/>'


def _text(part: float, y: float, label: str, fill: str, anchor: str, size: int) -> str:
    made = text(0, y, label, fill, anchor=anchor, size=size)
    return made.replace('x="0.0"', f'x="{part * 100:.2f}%"', 1)


def quoted(label: str) -> str:
    """Return untrusted text as an attribute can hold it."""
    return safe(label).replace('"', "&quot;")
