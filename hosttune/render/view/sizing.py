"""A plan: what it carries and what decides that, then the way through the tiers, then each tier."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from hosttune.model import Bottleneck, Hop, Sizing, TierPlan
from hosttune.model.document import Block, Callout, Column, Commands, Document, Fact, Paragraph, Row, Table, paragraphs
from hosttune.model.drawings import Bar, Bars, Box, Flow, Gauge, Note, Wire
from hosttune.model.roles import Role
from hosttune.render import report_parts as parts
from hosttune.render import sizing_places as places
from hosttune.render import sizing_words as words

SCHEMA = "hosttune/plan/1"
_ROWS = 8
_RATES = 2
_GAUGES = 5
_FAR = 100  # a limit of 2**63 would squeeze all others: what lies so many times beyond the target has a full bar
_HARD = "\u00a0"  # a blank at which no line is broken
_TIERS = (
    Column("tier", cut=True, least=6),
    Column("hosts", right=True),
    Column("role", wide=110),
    Column("program", wide=110),
    Column("a host", right=True),
    Column("new/s", right=True),
    Column("limit of all", right=True),
    Column("slow above", right=True),
    Column("stops first", cut=True, least=12),
)
_HOPS = (
    Column("from -> to", cut=True),
    Column("pairs", right=True),
    Column("ports each", right=True),
    Column("range", wide=100),
    Column("in use", right=True),
    Column("slow above", right=True),
    Column("which", extra=True),
    Column(""),
)
_SETTINGS = (Column("tier"), Column("setting"), Column("value"), Column("why"))
_NEED = 8  # tiers whose needs stand beside each other


def document(sizing: Sizing, verbose: bool) -> Document:
    """Return it; `verbose` adds the places beyond the first, and all that a host takes."""
    aim = sizing.topology
    solved = words.solved(sizing)
    needs = () if verbose else tuple(_needs(sizing))
    told = [] if needs else [block for plan in sizing.tiers for block in _tier(plan, verbose)]
    blocks: tuple[Block, ...] = (
        *((Paragraph(aim.title),) if aim.title else ()),
        *((Paragraph(solved, "solved", gap=True),) if solved else ()),
        _answer(sizing),
        _flow(sizing),
        dataclasses.replace(_bars(sizing, verbose), extra=not verbose),
        *_rates(sizing, verbose),
        *_tables(sizing),
        *(dataclasses.replace(table, brief=True) for table in needs),
        *(dataclasses.replace(block, brief=True) for block in told),
        *_alone(sizing),
        *_remarks(sizing, verbose),
        *(Commands(what, (run,), gap=not n) for n, (what, run) in enumerate(_commands(sizing))),
    )
    return Document(f"Plan: {aim.title or aim.name}", words.about(sizing), blocks)


def _answer(sizing: Sizing) -> Callout:
    """Return the answer, and where it is no, the command that finds what carries the target."""
    made, runs = places.answer(sizing), words.commands(sizing, sizing.command)
    next_ = tuple(Fact("next", run, command=True) for _, run in runs) if not sizing.carried else ()
    return dataclasses.replace(made, facts=(*made.facts, *next_))


def _commands(sizing: Sizing) -> list[tuple[str, str]]:
    return words.commands(sizing, sizing.command) if sizing.carried else []


def _alone(sizing: Sizing) -> Iterator[Paragraph]:
    for plan in sizing.tiers:
        if words.alone(plan):
            yield Paragraph(f"{plan.tier.name}: {words.alone(plan)}")


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
        slow = next((place for place in places.slows(sizing) if place.tier == tier.name), None)
        slow = slow if slow and slow.connections < sizing.topology.connections * _FAR else None
        load = (words.count(tier), tier.role, tier.program, f"{share.connections:,}", f"{share.rate:,}")
        ends = tuple(f"{place.connections:,}" if place else "" for place in (first, slow))
        rows.append(
            Row((tier.name, *load, *ends, places.bound_name(first) if first else ""), role=_state(sizing, first, slow))
        )
    yield Table(_TIERS, tuple(rows), "Tiers")
    hops = [hop for plan in sizing.tiers for hop in plan.hops]
    if hops:
        yield Table(_HOPS, tuple(map(_hop, hops)), "Hops")
    settings = [(plan.tier.name, *words.setting(row), row.why) for plan in sizing.tiers for row in plan.settings]
    if settings:
        yield Table(_SETTINGS, tuple(map(Row, settings)), "What a host needs", extra=True)


def _hop(hop: Hop) -> Row:
    way, ends = f"{hop.tier} -> {' + '.join(hop.to)}", f"{hop.low}-{hop.high}"
    slow = hop.knee is not None and hop.each > hop.knee
    role = Role.BAD if hop.each > hop.ports else Role.DRIFT if slow else Role.PLAIN
    numbers = (f"{hop.pairs:,}", f"{hop.ports:,}", ends, f"{hop.each:,}", "" if hop.knee is None else f"{hop.knee:,}")
    return Row((way, *numbers, words.pools(hop), words.filled(hop)), role=role)


def _state(sizing: Sizing, first: Bottleneck | None, slow: Bottleneck | None) -> Role:
    target = sizing.topology.connections
    if first and first.connections < target:
        return Role.BAD
    return Role.DRIFT if slow and slow.connections < target else Role.PLAIN


def _needs(sizing: Sizing) -> Iterator[Table]:
    """Yield what a host of each tier needs, the tiers beside each other; nothing where they are too many for that."""
    if not 0 < len(sizing.tiers) <= _NEED:
        return
    names = [plan.tier.name for plan in sizing.tiers]
    columns = (Column("each host needs", cut=True, tail=True), *(Column(name, right=True) for name in names))
    rows = [Row((name, *values)) for name, values in words.needs(sizing)]
    others = [words.load_settings(plan)[1] for plan in sizing.tiers]
    if any(others):
        rows.append(Row(("and others (-v)", *(f"{number:,}" for number in others))))
    if rows:
        yield Table(columns, tuple(rows), "Needs")


def _tier(plan: TierPlan, verbose: bool) -> Iterator[Paragraph]:
    yield Paragraph(words.load(plan), gap=True)
    yield from paragraphs((words.hop(hop) for hop in plan.hops), depth=1)
    if not verbose:
        shown, others = words.load_settings(plan)
        items = [item.replace(" ", _HARD) for item in shown] + ([f"and {others:,} more (-v)"] if others else [])
        if items:
            yield Paragraph(f"a host needs {', '.join(items)}", depth=1)
    elif plan.settings:
        yield Paragraph("a host needs", depth=1)
        for row in plan.settings:
            name, value = words.setting(row)
            yield Paragraph(f"{name} {value}" + (f": {row.why}" if row.why else ""), depth=2)


def _remarks(sizing: Sizing, verbose: bool) -> Iterator[Paragraph]:
    """Yield remarks; where there is little room the first of each kind, and how many more there are."""
    notes = [*(("unknown", text) for text in words.unknown(sizing)), *words.remarks(sizing)]
    shown: set[str] = set()
    for n, (label, text) in enumerate(notes):
        first, many = label not in shown, [kind for kind, _ in notes].count(label)
        shown.add(label)
        brief = parts.in_two_lines(text, many - 1)
        if not verbose and first and brief != text:
            yield Paragraph(brief, label, gap=not n, brief=True)
        yield Paragraph(text, label, gap=not n, extra=not verbose and (not first or brief != text))


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
