"""All bounds: bars on a log scale, how each shows, and the shortest list of what reaches the target."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from hosttune.model import Bound, Capacity, Report, Unknown
from hosttune.model.document import Block, Document, Paragraph, Table, paragraphs
from hosttune.model.drawings import Bars, Note
from hosttune.render import fill, folding
from hosttune.render import report_parts as parts
from hosttune.render.figures import counted, hard_bounds, nothing_read, slow_bounds
from hosttune.render.view.report import SCHEMA as SCHEMA
from hosttune.render.view.report import findings

LINES = True
_BEYOND = 100


def plain(capacity: Capacity) -> Report:
    """Return what programs get: the report itself."""
    return capacity.report


def document(capacity: Capacity, verbose: bool) -> Document:
    """Return it; `verbose` adds what each bound is read from and what it assumes."""
    report = folding.folded(capacity.report, pools=False)
    blocks: tuple[Block, ...] = (
        *parts.judged(report),
        parts.answer(report, parts.fixes(report)),
        *parts.others(report),
        _bars(report, verbose),
        *fill.pools(capacity.report.pools),
        *_never(report),
        *_slows(report, verbose),
        *_rates(report, verbose),
        *parts.unknown(report),
        *_reach(report),
        *(dataclasses.replace(block, extra=True) for block in findings(report, verbose) if isinstance(block, Table)),
        *parts.remarks(report, verbose),
    )
    return Document(parts.title(report), parts.about(report), blocks)


def _bars(report: Report, verbose: bool) -> Bars:
    hard, target = hard_bounds(report), report.workload.connections
    bars = []
    for number, bound in hard:
        notes = [Note("", bound.notes[0])] if isinstance(bound, folding.Several) else []
        if number < target or verbose:
            notes = list(_detail(bound, verbose))
        elif _slow(bound, target):
            notes = [Note("", "; ".join([f"slow above {bound.knee:,}", *bound.notes[:1]]))]
        bars.append(parts.bar(report, number, bound, notes))
    # a limit of 2**63 would squeeze all others: what lies far beyond the target has a full bar
    most = max([target, *(number for number, _ in hard if number <= target * _BEYOND)])
    return Bars("Limits, the smallest first", target, tuple(bars), most, label=34)


def _never(report: Report) -> Iterator[Paragraph]:
    never = [bound.name for bound in report.bounds if bound.hard is None and bound.notes[:1] == ("no limit",)]
    if never:
        yield Paragraph(", ".join(never), "no limit")


def _slows(report: Report, verbose: bool) -> Iterator[Paragraph]:
    """Yield what refuses no connection but slows them: where it does so before the target, with `verbose` all."""
    for bound in report.bounds:
        if bound.hard is not None or bound.unit != "connections" or bound.notes[:1] == ("no limit",):
            continue
        short = _slow(bound, report.workload.connections)
        if not short and not (verbose and bound.kind == "tcp-mem"):
            continue
        first = f"slow above {bound.knee:,}" if bound.knee is not None else "; ".join(bound.notes[:1])
        yield Paragraph(first, bound.name, gap=True)
        facts = [("shows as", bound.fails), ("fix", bound.raised_by)] if short else []
        notes = [("", note) for note in (bound.notes if bound.knee is not None else bound.notes[1:])]
        yield from (Paragraph(text, label, depth=1) for label, text in [*facts, *notes] if text)


def _slow(bound: Bound, target: int) -> bool:
    """Say whether a bound slows before the target is reached."""
    return bound.knee is not None and bound.knee < target


def _detail(bound: Bound, verbose: bool) -> Iterator[Note]:
    """Yield how a bound shows and what raises it; `verbose` adds where the number comes from."""
    figures = [f"slow above {bound.knee:,}"] if bound.knee else []
    figures += [f"{bound.used:,} in use"] if bound.used else []
    if figures:
        yield Note("", "; ".join(figures))
    if figures or isinstance(bound, folding.Several) or bound.most is not None:
        yield from (Note("", note) for note in (() if verbose else bound.notes[:1]))
    facts = [("shows as", bound.fails), ("log", bound.log), ("counter", bound.counter), ("fix", bound.raised_by)]
    facts += [("", f"from {bound.reads}" if bound.reads else ""), *(("", note) for note in bound.notes)] * verbose
    yield from (Note(label, text) for label, text in facts if text)


def _rates(report: Report, verbose: bool) -> Iterator[Paragraph]:
    """Yield the bounds of the rate of new connections: those below the target's rate, with `verbose` all."""
    slow = {bound.id for _, bound in slow_bounds(report)}
    gap = True
    for bound in report.bounds:
        if bound.unit == "connections" or not (bound.id in slow or verbose) or not isinstance(bound.hard, int):
            continue
        most = f" to {bound.most:,}" if bound.most is not None else ""
        yield Paragraph(f"{bound.hard:,}{most} new connections/s of {report.workload.rate:,}", bound.name, gap=gap)
        yield from (Paragraph(note.text, note.label, depth=1) for note in _detail(bound, verbose))
        gap = False


def _reach(report: Report) -> Iterator[Paragraph]:
    load, hard = report.workload, hard_bounds(report)
    if nothing_read(report):
        return  # the answer says so: of nothing, nothing follows
    target = f"{load.connections:,} connections, {load.rate:,}/s"
    unknown = sum(isinstance(b.hard, Unknown) for b in report.bounds)
    but = f" ({counted(unknown, 'limit')} unknown)" if unknown else ""
    if report.remedies:
        yield Paragraph(f"Needed for {target}{but}:", gap=True)
        yield from paragraphs(folding.texts([remedy.text for remedy in report.remedies]), depth=1)
    elif hard and hard[0][0] < load.connections:
        yield Paragraph(f"No setting of this host reaches {target}{but}.", gap=True)
    else:
        yield Paragraph(f"Nothing more is needed for {target}{but}.", gap=True)
    slow = [b for number, b in hard if number >= load.connections and _slow(b, load.connections)]
    if slow:
        first = min(slow, key=lambda b: b.knee or 0)
        yield Paragraph(f"But {first.name}: slow above {first.knee:,}: {'; '.join(first.notes[:1])}".rstrip(": "))
