"""What every view of a report has: who it is about, the one number, what is unknown, remarks."""

from __future__ import annotations

from collections.abc import Iterable

from hosttune.model import Bound, Carrier, Report, Unknown
from hosttune.model.document import Bar, Block, Callout, Note, Paragraph, Role, paragraphs
from hosttune.render import figures, folding, where_words
from hosttune.render.figures import hard_bounds, memory

_FILES = 3


def title(report: Report) -> str:
    """Return the host and its roles."""
    return f"{report.machine.hostname or 'host'}: {' + '.join(report.roles)}"


def about(report: Report) -> tuple[str, ...]:
    """Return the host, the roles and the target."""
    machine, load = report.machine, report.workload
    parts = [
        machine.hostname,
        machine.pretty or machine.distribution,
        f"Linux {machine.kernel}" if machine.kernel else "an image",
        f"{machine.cpus} CPU" if machine.cpus else "",
        memory(machine.memory) if machine.memory else "",
        machine.container or machine.virtualisation,
        machine.cloud,
        f"role {' + '.join(report.roles)}",
        f"target {load.connections:,} connections at {load.rate:,}/s",
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
    number = f"stalls at {carrier.connections:,}: {carrier.stops}" if carrier.connections is not None else "not judged"
    return f"{program(carrier)}: {number}; {carrier.command}"


def answer(report: Report) -> Callout:
    """Return at how many connections it stalls, and on what; or that it carries them."""
    hard = hard_bounds(report)
    target = report.workload.connections
    if not hard:
        return Callout(_nothing(report), role=Role.UNKNOWN)
    number, first = hard[0]
    slow = min((b.knee for _, b in hard if b.knee), default=None)
    knee = f" (slow from {slow:,})" if slow and slow < min(number, target) else ""
    if number < target:
        why = (first.fails.removeprefix("none: ") + (f"; log: {first.log}" if first.log else ""), *first.notes[:1])
        latest = " at the latest" if figures.unread(report) else ""
        sentence = f"Stalls at {figures.reached(first)} connections{latest}: {first.name}{knee}"
        return Callout(sentence, tuple(filter(None, why)), Role.BAD)
    unseen = sum(isinstance(b.hard, Unknown) for b in report.bounds)
    if unseen:
        sentence = f"No bound below {target:,} was found, but {unseen} are unknown; the smallest found is"
        return Callout(f"{sentence} {first.name}, at {figures.reached(first)}{knee}", role=Role.UNKNOWN)
    return Callout(
        f"Carries {target:,}: the first limit is {first.name}, at {figures.reached(first)}{knee}", role=Role.GOOD
    )


def _nothing(report: Report) -> str:
    if not figures.nothing_read(report):
        return "No bound could be told."
    return f"Unknown: no limit could be read {'from this recording' if report.taken is None else 'here'}."


def lines(report: Report) -> Iterable[str]:
    """Yield who a report is about, and its answer, as lines for formats without layout."""
    yield " · ".join(about(report))
    yield from (part.text for part in judged(report))
    callout = answer(report)
    yield from (callout.text, *callout.why)
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


def remarks(report: Report) -> tuple[Block, ...]:
    """Return warnings, waivers, and what root would add."""
    notes = [("warning", text) for text in report.warnings]
    notes += [("waived", f"{row.subject}: {row.waived}") for row in report.waived]
    notes += [("root would add", text) for text in report.missing]
    return tuple(p for n, (label, text) in enumerate(notes) for p in paragraphs((text,), label=label, gap=not n))
