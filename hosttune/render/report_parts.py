"""What every view of a report has: who it is about, the one number, what is unknown, remarks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from hosttune.model import Bound, Carrier, Machine, Report, Unknown
from hosttune.model.document import Block, Callout, Fact, Paragraph, paragraphs
from hosttune.model.drawings import Bar, Note
from hosttune.model.roles import Role
from hosttune.render import exit_codes, figures, folding, where_words
from hosttune.render.figures import hard_bounds, memory

_FILES = 3
_REMARKS = 3
_TWO_LINES = 120  # letters
_SURNAME = re.compile(r"\bGNU/Linux | \([a-z ]+\)$")
"""What the name of a distribution says besides: `Debian GNU/Linux 12 (bookworm)`."""


def title(report: Report) -> str:
    """Return the host and its roles."""
    return f"{report.machine.hostname or 'host'}: {' + '.join(report.roles)}"


def system(machine: Machine) -> str:
    """Return the distribution, without what its name says besides."""
    return _SURNAME.sub("", machine.pretty or machine.distribution)


def about(report: Report) -> tuple[str, ...]:
    """Return the host and its roles."""
    machine = report.machine
    parts = [
        machine.hostname,
        system(machine),
        f"Linux {machine.kernel}" if machine.kernel else "an image",
        f"{machine.cpus} CPU" if machine.cpus else "",
        memory(machine.memory) if machine.memory else "",
        machine.container or (machine.virtualisation if not machine.virtualisation.startswith("unnamed") else ""),
        machine.cloud,
        f"role {' + '.join(report.roles)}",
    ]
    return tuple(part for part in parts if part)


def judged(report: Report) -> tuple[Paragraph, ...]:
    """Return which program a report is about, or that none runs; and where, if that is no host."""
    text = where_words.judged(report.where)
    lines = [Paragraph(report.idle)] if report.idle else []
    lines += [Paragraph(program(carrier)) for carrier in report.carriers[:1]]
    lines += [Paragraph(f"{why}; what it limits is not in the number") for why in figures.unread(report)]
    return (*lines, *((Paragraph(text),) if text else ()))


def others(report: Report) -> tuple[Paragraph, ...]:
    """Return the other programs that carry connections of the role, a line each."""
    return tuple(Paragraph(_other(carrier), "also runs", gap=not n) for n, carrier in enumerate(report.carriers[1:]))


def program(carrier: Carrier) -> str:
    """Return a program that runs, and its files."""
    about = ", ".join(filter(None, (f"pid {carrier.pid}", carrier.unit)))
    more = f" and {len(carrier.files) - _FILES} more" if len(carrier.files) > _FILES else ""
    files = "".join(f", {path}" for path in carrier.files[:_FILES]) + more
    network = f", in network namespace {carrier.network}" if carrier.network else ""
    return f"{carrier.program} ({about}){files}{network}{stale(carrier)}"


def stale(carrier: Carrier) -> str:
    """Return that its files are no longer those that it was started with, "" where they are."""
    if not carrier.changed:
        return ""
    which = f"{carrier.changed[0]} was" if len(carrier.files) > 1 else "which was"
    if len(carrier.changed) > 1:
        which = f"{carrier.changed[0]} and {len(carrier.changed) - 1} more were"
    return f", {which} changed since it started: what runs may go by the older text until it is reloaded"


def _other(carrier: Carrier) -> str:
    number = f"limit {carrier.connections:,}: {carrier.stops}" if carrier.connections is not None else "not judged"
    return f"{program(carrier)}: {number}; {carrier.command}"


def answer(report: Report, extra: Iterable[Fact] = (), *, whole: bool = True) -> Callout:
    """Return whether it is ready for the target, where it stops and on what, and `extra` facts.

    `whole`: how it shows too.
    """
    hard, target = hard_bounds(report), report.workload.connections
    facts = [*_limit(report, whole), *extra]
    if not hard:
        return Callout(_nothing(report), role=Role.UNKNOWN)
    unseen = sum(isinstance(b.hard, Unknown) for b in report.bounds)
    if hard[0][0] < target or exit_codes.check(report) == 1:
        text, role = f"NOT READY for {target_of(report)}", Role.BAD
    elif unseen:
        unknown = figures.counted(unseen, "limit")
        text, role = f"UNKNOWN whether ready for {target_of(report)}: {unknown} unknown", Role.UNKNOWN
    else:
        text, role = f"READY for {target_of(report)}", Role.GOOD
    return Callout(text, role=role, facts=tuple(facts))


def target_of(report: Report) -> str:
    """Return what was asked for, and where that comes from."""
    load = report.workload
    if report.target_given:
        return f"{load.connections:,} connections (your target), {load.rate:,}/s"
    return f"{load.connections:,} connections, {load.rate:,}/s (default of role {' + '.join(report.roles)})"


def _limit(report: Report, whole: bool) -> Iterator[Fact]:
    """Yield the smallest limit and, where it is below the target, how that shows, and what reaches the target."""
    hard, target = hard_bounds(report), report.workload.connections
    if not hard:
        return
    number, first = hard[0]
    slow = min((b.knee for _, b in hard if b.knee), default=None)
    knee = f"; slow above {slow:,}" if slow and slow < min(number, target) else ""
    latest = " at the latest" if figures.unread(report) else ""
    yield Fact("limit", f"{figures.reached(first)} connections{latest}: {first.name}{knee}")
    if number >= target:
        return
    if first.fails and whole:
        yield Fact("shows as", first.fails.removeprefix("none: "))
    if first.raised_by:
        yield Fact("needs", first.raised_by)
    yield from (Fact("note", note) for note in first.notes[:1])


def _nothing(report: Report) -> str:
    if not figures.nothing_read(report):
        return "UNKNOWN: no limit was looked at."
    return f"UNKNOWN: no limit could be read {'from this recording' if report.taken is None else 'here'}."


def lines(report: Report) -> Iterable[str]:
    """Yield who a report is about, and its answer, as lines for formats without layout."""
    yield " · ".join(about(report))
    yield from (part.text for part in judged(report))
    callout = answer(report)
    yield from (callout.text, *callout.sentences)
    yield from (part.text for part in others(report))


def bar(report: Report, number: int, bound: Bound, notes: Iterable[Note], *, extra: bool = False) -> Bar:
    """Return a bound as a bar."""
    short = number < report.workload.connections
    return Bar(
        bound.name,
        number,
        "",
        tuple(notes),
        bound.knee,
        bound.used,
        Role.BAD if short else Role.GOOD,
        extra=extra,
        most=bound.most,
    )


def unknown(report: Report) -> tuple[Paragraph, ...]:
    """Return the bounds that are unknown, those of one reason as one paragraph."""
    alike: dict[str, list[str]] = {}
    for bound in report.bounds:
        if isinstance(bound.hard, Unknown):
            alike.setdefault(str(bound.hard), []).append(bound.name)
    return tuple(Paragraph(f"{folding.names(names)}: {why}") for why, names in alike.items())


def fixes(report: Report) -> tuple[Fact, ...]:
    """Return what fixes what is not as required: words, and commands or lines to be pasted."""
    words = len(report.fix) > 1
    return tuple(Fact("fix", line.strip(), line.startswith("  ") or not words) for line in report.fix)


def remarks(report: Report, verbose: bool = True) -> tuple[Block, ...]:
    """Return warnings, waivers, and what root would add; a few of them, and in short, where there is little room."""
    notes = [("warning", text) for text in report.warnings]
    notes += [("waived", f"{row.subject}: {row.waived}") for row in report.waived]
    notes += [("root would add", text) for text in report.missing]
    if verbose:
        return tuple(p for n, (label, text) in enumerate(notes) for p in paragraphs((text,), label=label, gap=not n))
    blocks: list[Block] = []
    left = shown = 0
    for label, text in notes:
        brief, follows = in_two_lines(text), text.startswith(folding.MORE)
        shown += not follows  # how many more there are of one kind belongs to the last of these
        folded = shown > _REMARKS
        left += folded
        if not folded and brief != text:
            blocks.append(Paragraph(brief, label, brief=True))
        blocks.append(Paragraph(text, label, extra=folded or brief != text))
    blocks += [Paragraph(f"and {figures.counted(left, 'more warning')} (-v)", brief=True)] * (left > 0)
    return tuple(blocks)


def in_two_lines(text: str, more: int = 0) -> str:
    """Return a remark of two lines: what is longer ends at a pause, and says where the rest, and `more`, are."""
    if more:
        return f"{in_two_lines(text).removesuffix(' ... (-v)')} ... (and {more:,} more: -v)"
    if len(text) <= _TWO_LINES:
        return text
    pause = max(text.rfind(mark, 0, _TWO_LINES) for mark in ("; ", ": ", ". ", ", "))
    return f"{text[: pause if pause > _TWO_LINES // 3 else _TWO_LINES]} ... (-v)"
