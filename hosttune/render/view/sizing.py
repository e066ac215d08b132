"""A plan: what it carries and what decides that, then the way through the tiers, then each tier."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from hosttune.model import Bottleneck, Hop, Sizing, TierPlan
from hosttune.model.document import (
    Bar,
    Bars,
    Block,
    Box,
    Callout,
    Column,
    Commands,
    Document,
    Flow,
    Gauge,
    Note,
    Paragraph,
    Role,
    Row,
    Table,
    Wire,
    paragraphs,
)
from hosttune.render import sizing_places as places
from hosttune.render import sizing_words as words

SCHEMA = "hosttune/plan/1"
_ROWS = 8
_RATES = 2
_GAUGES = 5
_FAR = 100  # a limit of 2**63 would squeeze all others: what lies so many times beyond the target has a full bar
_HARD = "\u00a0"  # a blank at which no line is broken
_TIERS = (
    Column("tier"),
    Column("hosts", right=True),
    Column("role"),
    Column("program"),
    Column("connections a host", right=True),
    Column("new/s a host", right=True),
    Column("first to refuse"),
)
_HOPS = (
    Column("hop"),
    Column("pools of a host"),
    Column("ports each", right=True),
    Column("range"),
    Column("in the fullest", right=True),
    Column(""),
)
_SETTINGS = (Column("tier"), Column("setting"), Column("value"), Column("why"))


def document(sizing: Sizing, verbose: bool) -> Document:
    """Return it; `verbose` adds the places beyond the first, and all that a host takes."""
    aim = sizing.topology
    solved = words.solved(sizing)
    blocks: tuple[Block, ...] = (
        *((Paragraph(aim.title),) if aim.title else ()),
        *((Paragraph(solved, "found", gap=True),) if solved else ()),
        _answer(sizing),
        _flow(sizing),
        _bars(sizing, verbose),
        *_rates(sizing, verbose),
        *_tables(sizing),
        *(dataclasses.replace(block, brief=True) for plan in sizing.tiers for block in _tier(plan, verbose)),
        *_remarks(sizing),
        *(Commands(what, (run,), gap=not n) for n, (what, run) in enumerate(words.commands(sizing, sizing.command))),
    )
    return Document(f"Plan: {aim.title or aim.name}", words.about(sizing), blocks)


def _answer(sizing: Sizing) -> Callout:
    first, *why = places.answer(sizing)
    bad = first.startswith(("Stalls", "Short", "Slow", "Too slow"))
    role = Role.GOOD if sizing.carried else Role.BAD if bad else Role.UNKNOWN
    return Callout(first, tuple(why), role)


def _bars(sizing: Sizing, verbose: bool) -> Bars:
    target = sizing.topology.connections
    slow = [place for place in places.slows(sizing) if verbose or place.connections < target]
    shown = sorted([*places.stalls(sizing), *slow], key=lambda place: place.connections)
    beyond = [place for place in places.slows(sizing) if place not in slow]
    bars = [_bar(sizing, place, verbose, not verbose and n >= _ROWS) for n, place in enumerate(shown)]
    bars += [_bar(sizing, place, verbose, True) for place in beyond]
    more = 0 if verbose else len(shown) - _ROWS
    most = max([target, *(p.connections for p in shown if p.connections <= target * _FAR)])
    rest = f"and {more:,} more beyond these (-v)" if more > 0 else ""
    return Bars("Places, the narrowest first", target, tuple(bars), most, label=40, more=rest)


def _bar(sizing: Sizing, place: Bottleneck, verbose: bool, extra: bool) -> Bar:
    short = place.connections < sizing.topology.connections
    word = "slow" if place.knee else "short" if short else ""
    role = Role.GOOD if not short else Role.DRIFT if place.knee else Role.BAD
    notes = tuple(_detail(sizing, place, verbose))
    if extra and place.bound.fails and not place.knee:
        notes = (*(note for note in notes if note.label != "shows as"), Note("shows as", place.bound.fails))
    return Bar(places.name(place), place.connections, word, notes, role=role, extra=extra)


def _detail(sizing: Sizing, place: Bottleneck, verbose: bool) -> Iterator[Note]:
    """Yield what a place is of one host; where the target comes to it also how it shows and what raises it."""
    bound = place.bound
    if each := places.of_host(sizing, place):
        yield Note("", each)
    if place.connections < sizing.topology.connections or verbose:
        if place.knee:
            yield from (Note("", note) for note in (bound.notes if verbose else bound.notes[-1:]))
        facts = [] if place.knee else [("shows as", bound.fails), ("log", bound.log), ("counter", bound.counter)]
        yield from (Note(label, text) for label, text in (*facts, ("fix", bound.raised_by)) if text)
    elif bound.fails and not place.knee:
        yield Note("shows as", bound.fails, True)
    if verbose and not place.knee:
        yield from (Note("", text) for text in (f"from {bound.reads}" if bound.reads else "", *bound.notes) if text)


def _rates(sizing: Sizing, verbose: bool) -> Iterator[Paragraph]:
    """Yield what is too slow for the target's rate: not a number of connections, so it has no bar."""
    shown = len(sizing.rates) if verbose else min(_RATES, len(sizing.rates))
    for number, (_, bound) in enumerate(sizing.rates):
        yield Paragraph(f"only {places.rate(sizing, number)}", gap=not number, extra=number >= shown)
        if bound.raised_by:
            yield Paragraph(bound.raised_by, "fix", depth=1, extra=number >= shown)
    if more := len(sizing.rates) - shown:
        yield Paragraph(f"and {more:,} more below the target's rate (-v)")


def _tables(sizing: Sizing) -> Iterator[Table]:
    """Yield the tiers, their hops and all settings as tables, where there is room."""
    rows = []
    for plan in sizing.tiers:
        tier, share = plan.tier, plan.workload
        first = next((place for place in places.stalls(sizing) if place.tier == tier.name), None)
        ends = f"{places.bound_name(first)}, {first.connections:,} in all" if first else ""
        cells = (tier.name, words.hosts(tier), tier.role, tier.program, f"{share.connections:,}", f"{share.rate:,}")
        rows.append(Row((*cells, ends)))
    yield Table(_TIERS, tuple(rows), "Tiers", extra=True)
    hops = [hop for plan in sizing.tiers for hop in plan.hops]
    if hops:
        yield Table(_HOPS, tuple(map(_hop, hops)), "Hops", extra=True)
    settings = [(plan.tier.name, *words.setting(row), row.why) for plan in sizing.tiers for row in plan.settings]
    if settings:
        yield Table(_SETTINGS, tuple(map(Row, settings)), "What a host takes", extra=True)


def _hop(hop: Hop) -> Row:
    way, ends = f"{hop.tier} -> {' + '.join(hop.to)}", f"{hop.low}-{hop.high}"
    return Row((way, words.pools(hop), f"{hop.ports:,}", ends, f"{hop.each:,}", words.filled(hop)))


def _tier(plan: TierPlan, verbose: bool) -> Iterator[Paragraph]:
    yield Paragraph(words.load(plan), gap=True)
    yield from paragraphs((words.hop(hop) for hop in plan.hops), depth=1)
    if words.alone(plan):
        yield Paragraph(words.alone(plan), depth=1)
    if not verbose:
        shown, others = words.load_settings(plan)
        items = [item.replace(" ", _HARD) for item in shown] + ([f"and {others:,} more (-v)"] if others else [])
        if items:
            yield Paragraph(f"a host takes {', '.join(items)}", depth=1)
    elif plan.settings:
        yield Paragraph("a host takes", depth=1)
        for row in plan.settings:
            name, value = words.setting(row)
            yield Paragraph(f"{name} {value}" + (f": {row.why}" if row.why else ""), depth=2)


def _remarks(sizing: Sizing) -> Iterator[Paragraph]:
    notes = [*(("unknown", text) for text in words.unknown(sizing)), *words.remarks(sizing)]
    yield from (Paragraph(text, label, gap=not n) for n, (label, text) in enumerate(notes))


def _flow(sizing: Sizing) -> Flow:
    """Return the way through the tiers: a step on the way for each, the narrowest place marked."""
    step: dict[str, int] = {}
    for plan in sizing.tiers:
        step.setdefault(plan.tier.name, 0)
        for leg in plan.tier.to:
            for name in leg.tiers:
                step[name] = max(step.get(name, 0), step[plan.tier.name] + 1)
    narrow = places.narrowest(sizing)
    boxes = tuple(_box(sizing, plan, step[plan.tier.name], narrow) for plan in sizing.tiers)
    wires = tuple(
        Wire(plan.tier.name, name, words.wire(hop) if hop else ())
        for plan in sizing.tiers
        for number, leg in enumerate(plan.tier.to)
        # with bind() all legs have their ports in common, and there is one hop
        for hop in [plan.hops[min(number, len(plan.hops) - 1)] if plan.hops else None]
        for name in leg.tiers
    )
    return Flow(tuple(words.chains(sizing)), boxes, wires)


def _box(sizing: Sizing, plan: TierPlan, step: int, narrow: Bottleneck | None) -> Box:
    tier, share = plan.tier, plan.workload
    marked = narrow if narrow and narrow.tier == tier.name else None
    shown = [place for place in places.stalls(sizing) if place.tier == tier.name][:_GAUGES]
    if marked and marked.bound not in [place.bound for place in shown]:
        shown = [marked, *shown[: _GAUGES - 1]]
    about = " · ".join(part for part in (words.hosts(tier), tier.program or tier.role) if part)
    lines = (about, f"{share.connections:,} each, {share.rate:,}/s")
    gauges = tuple(_gauge(sizing, plan, place, bool(marked and place.bound == marked.bound)) for place in shown)
    return Box(tier.name, lines, step, gauges, "bottleneck" if marked else "")


def _gauge(sizing: Sizing, plan: TierPlan, place: Bottleneck, marked: bool) -> Gauge:
    load, limit, knee = plan.workload.connections, place.bound.hard, place.bound.knee
    most = limit if isinstance(limit, int) else knee or 0
    name = places.bound_name(place)
    if not place.knee and place.connections < sizing.topology.connections:
        return Gauge(name, load, most, knee, "short", Role.BAD, marked)
    if knee is not None and knee < load:
        return Gauge(name, load, most, knee, "slow", Role.DRIFT, marked)
    return Gauge(name, load, most, knee, f"{load * 100 // most} %" if most else "full", Role.GOOD, marked)
