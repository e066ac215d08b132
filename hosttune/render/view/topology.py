"""A plan for a person: what it carries and what decides that, then the way through the tiers, then each tier."""

from __future__ import annotations

from hosttune.model import Bottleneck, Sizing, TierPlan
from hosttune.printable import clean, cleaned
from hosttune.render.formats import json
from hosttune.render.view import text_parts
from hosttune.render.view import topology_places as places
from hosttune.render.view import topology_words as words
from hosttune.render.view.figures import bar, cut, fold

SCHEMA = "hosttune/plan/1"

_ROWS = 8
_RATES = 2
_FAR = 100  # a limit of 2**63 would squeeze all others: what lies so many times beyond the target has a full bar
_COLUMN = 10**10  # a number that its column does not hold; the line below still has that of one host
_LONG = 30  # letters of a remark that is not said twice
_HARD = "\u00a0"  # a blank at which no line is broken


def document(sizing: Sizing) -> str:
    """Return the whole plan for programs, described in plan.schema.json beside this file."""
    return json.document(SCHEMA, sizing)


def render(
    sizing: Sizing,
    *,
    verbose: bool = False,
    color: bool = False,
    width: int = 80,
    unicode: bool = True,
    command: str = "",
) -> str:
    """Return the text; no line is longer than `width` (at least 60), no escape sequence without `color`.

    `command` is the one that made the plan, as far as the next ones begin with it.
    """
    sizing = cleaned(sizing)
    width = max(width, 60)
    lines = [
        *fold(words.title(sizing), width, ""),
        *(fold(sizing.topology.title, width, "") if sizing.topology.title else []),
        "",
        *_answer(sizing, width),
        "",
        *(line for way in words.chains(sizing) for line in fold(f"  {way}", width, "    ")),
        *_bars(sizing, verbose, width, unicode),
        *_rates(sizing, verbose, width),
        *_tiers(sizing, verbose, width),
        *_remarks(sizing, width),
        *_next(sizing, command, width),
    ]
    return text_parts.joined(lines, color, unicode)


def _answer(sizing: Sizing, width: int) -> list[str]:
    told = words.found(sizing)
    lines = fold(f"  found: {told}", width, "    ") if told else []
    return [*lines, *(line for text in places.answer(sizing) for line in fold(f"  {text}", width, "    "))]


def _bars(sizing: Sizing, verbose: bool, width: int, unicode: bool) -> list[str]:
    wanted = sizing.topology.connections
    shown = _shown(sizing, verbose)
    most = max([wanted, *(p.connections for p in shown if p.connections <= wanted * _FAR)])
    cells = max(10, width // 4)
    label = min(40, width - cells - 24)
    lines = ["", f"  {'wanted':<{label}} {bar(wanted, most, cells, unicode):<{cells}} {wanted:>13,}"]
    said: list[str] = []
    for place in shown if verbose else shown[:_ROWS]:
        name = cut(clean(places.name(place)), label, unicode)
        number = f"{place.connections:>13,}" if place.connections < _COLUMN else f"{'far beyond':>13}"
        row = f"  {name:<{label}} {bar(place.connections, most, cells, unicode):<{cells}} {number}"
        row += " slow" if place.knee else " short" if place.connections < wanted else ""
        lines.append(row)
        # what a knee costs, and what raises a bound, is the same for several: once is enough
        told = [text for text in _detail(sizing, place, verbose) if text not in said]
        said += [text for text in told if len(text) > _LONG]
        lines += [line for text in told for line in fold(f"    {text}", width, "      ")]
    more = 0 if verbose else len(shown) - _ROWS
    return [*lines, *([f"  and {more:,} more beyond these (-v)"] if more > 0 else [])]


def _shown(sizing: Sizing, verbose: bool) -> list[Bottleneck]:
    """Return the places that have a bar: those that refuse, and of those that slow the ones the target comes to."""
    wanted = sizing.topology.connections
    slow = [place for place in places.slows(sizing) if verbose or place.connections < wanted]
    return sorted([*places.stalls(sizing), *slow], key=lambda place: place.connections)


def _detail(sizing: Sizing, place: Bottleneck, verbose: bool) -> list[str]:
    """Return what a place is of one host; where the target comes to it also how it shows and what raises it."""
    bound, each = place.bound, places.of_host(sizing, place)
    lines = [each] if each else []
    if place.connections < sizing.topology.connections or verbose:
        if place.knee:
            lines += bound.notes if verbose else bound.notes[-1:]
        else:
            lines += [f"shows as {bound.fails}"] if bound.fails else []
            lines += [f"log: {bound.log}"] if bound.log else []
            lines += [f"counter: {bound.counter}"] if bound.counter else []
        lines += [f"raise it: {bound.raised_by}"] if bound.raised_by else []
    if verbose and not place.knee:
        lines += [f"from {bound.reads}"] if bound.reads else []
        lines += bound.notes
    return lines


def _rates(sizing: Sizing, verbose: bool, width: int) -> list[str]:
    """Return what is too slow for the wanted rate: not a number of connections, so it has no bar."""
    shown = len(sizing.rates) if verbose else min(_RATES, len(sizing.rates))
    lines: list[str] = []
    for number in range(shown):
        bound = sizing.rates[number][1]
        lines += fold(f"  only {places.rate(sizing, number)}", width, "    ")
        lines += fold(f"    raise it: {bound.raised_by}", width, "      ") if bound.raised_by else []
    more = len(sizing.rates) - shown
    lines += [f"  and {more:,} more below the wanted rate (-v)"] if more else []
    return ["", *lines] if lines else []


def _tiers(sizing: Sizing, verbose: bool, width: int) -> list[str]:
    lines: list[str] = []
    for plan in sizing.tiers:
        lines += ["", *fold(f"  {words.load(plan)}", width, "    ")]
        for hop in plan.hops:
            lines += fold(f"    {words.hop(hop)}", width, "      ")
        lines += fold(f"    {words.alone(plan)}", width, "      ") if words.alone(plan) else []
        lines += _settings(plan, verbose, width)
    return lines


def _settings(plan: TierPlan, verbose: bool, width: int) -> list[str]:
    """Return what such a host takes for its load; with `verbose` all of it, a line for each and why."""
    if verbose:
        told = [(*words.setting(one), one.why) for one in plan.settings]
        rows = [f"      {name} {value}" + (f": {why}" if why else "") for name, value, why in told]
        lines = [line for row in rows for line in fold(row, width, "        ")]
        return ["    a host takes", *lines] if lines else []
    shown, others = words.load_settings(plan)
    items = [item.replace(" ", _HARD) for item in shown] + ([f"and {others:,} more (-v)"] if others else [])
    if not items:
        return []
    return [line.replace(_HARD, " ") for line in fold(f"    a host takes {', '.join(items)}", width, "      ")]


def _remarks(sizing: Sizing, width: int) -> list[str]:
    told = [f"could not be told: {text}" for text in words.untold(sizing)] + words.remarks(sizing)
    lines = [line for text in told for line in fold(f"  {text}", width, "    ")]
    return ["", *lines] if lines else []


def _next(sizing: Sizing, command: str, width: int) -> list[str]:
    told = words.commands(sizing, command)
    return ["", *(line for what, run in told for line in fold(f"  {what}: {run}", width, "    "))] if told else []
