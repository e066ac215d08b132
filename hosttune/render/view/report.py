"""What a check found: whether it is ready and what stops it, then the limits, then what is not as required."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from hosttune import scope
from hosttune.model import BindMode, Finding, PortPool, Reason, Report, Severity, Unknown, Value, Verdict
from hosttune.model.document import Block, Column, Commands, Document, Paragraph, Row, Table
from hosttune.model.drawings import Bars, Note
from hosttune.model.roles import Role
from hosttune.render import binding, figures, fill, folding
from hosttune.render import report_parts as parts
from hosttune.render.figures import hard_bounds, slow_bounds, value, wants
from hosttune.render.folding import spread

SCHEMA = "hosttune/report/1"
LINES = True
_BARS = 3
_POOLS = 40
_RATES = 2
_VALUE = 15  # letters of a value that has room in a column: three numbers of tcp_mem have a line of their own
_GRADES = {Severity.ERROR: "ERROR", Severity.WARNING: "WARN", Severity.INFO: "NOTE"}
"""What a setting that is not as required is called."""
_SHOWN = (Verdict.FAIL, Verdict.DRIFT, Verdict.UNKNOWN)
_ROLES = {Verdict.FAIL: Role.BAD, Verdict.DRIFT: Role.DRIFT, Verdict.UNKNOWN: Role.UNKNOWN, Verdict.OK: Role.GOOD}
_COLUMNS = (
    Column("verdict", least=5),
    Column("setting", cut=True, tail=True, least=20),
    Column("now", right=True, label="now", most=_VALUE),
    Column("at boot", right=True, label="at boot", most=_VALUE),
    Column("required", right=True, label="required", most=_VALUE),
    Column("severity", extra=True),
    Column("set by", extra=True),
    Column("why", extra=True),
)


def document(report: Report, verbose: bool) -> Document:
    """Return it; `verbose` adds what holds, where each value comes from, and the port pools."""
    gauges = tuple(fill.pools(report.pools))
    report = folding.folded(report, pools=verbose)
    blocks: tuple[Block, ...] = (
        *parts.judged(report),
        parts.answer(report, parts.fixes(report), whole=verbose),
        *parts.others(report),
        _bars(report, verbose),
        *gauges,
        *_rates(report),
        *parts.unknown(report),
        *findings(report, verbose),
        *(_pools(report.pools) if verbose else ()),
        *((Paragraph("; ".join(scope.NOT_LOOKED_AT), "not checked"),) if verbose else ()),
        *parts.remarks(report, verbose),
        *_footer(report, verbose),
    )
    return Document(parts.title(report), parts.about(report), blocks)


def _bars(report: Report, verbose: bool) -> Bars:
    hard, target = hard_bounds(report), report.workload.connections
    shown = [(n, b) for n, b in hard if n < target] or hard[:1]
    bars = []
    for place, (number, bound) in enumerate(hard):
        notes = [Note("", bound.notes[0], number >= target)] if isinstance(bound, folding.Several) else []
        notes += [Note("fix", bound.raised_by, True)] if bound.raised_by else []
        notes += [Note("slow above", f"{bound.knee:,}", True)] if bound.knee else []
        notes += [Note("used now", f"{bound.used:,}", True)] if bound.used else []
        notes += [Note("shows as", bound.fails, True)] if bound.fails else []
        bars.append(
            parts.bar(report, number, bound, notes, extra=place >= (len(hard) if verbose else min(len(shown), _BARS)))
        )
    left = 0 if verbose else len(shown) - _BARS
    more = f"and {left} more below the target (-v)" if left > 0 else ""
    most = max([target, *(n for n, _ in shown[:_BARS])])
    return Bars("Limits, the smallest first", target, tuple(bars), most, more=more)


def _rates(report: Report) -> Iterator[Paragraph]:
    """Yield what is too slow for the target's rate: not a number of connections, so it has no bar."""
    slow = slow_bounds(report)
    shown = {b.raised_by for n, b in hard_bounds(report)[:_BARS] if n < report.workload.connections}
    for place, (number, bound) in enumerate(slow):
        yield Paragraph(f"only {number:,} new connections/s: {bound.name}; {bound.fails}", extra=place >= _RATES)
        if bound.raised_by and bound.raised_by not in shown:
            shown.add(bound.raised_by)
            yield Paragraph(bound.raised_by, "fix", depth=1, extra=place >= _RATES)
    if slow[_RATES:]:
        yield Paragraph(f"and {len(slow) - _RATES} more below the target's rate (--format json)")


def findings(report: Report, verbose: bool) -> Iterator[Block]:
    """Yield what does not hold as a table, and what is unknown; with `verbose` what holds too."""
    order = list(Verdict)
    ranked = sorted(report.findings, key=lambda f: (-f.severity.rank, order.index(f.verdict), str(f.subject)))
    alike: dict[str, list[str]] = {}
    rows = []
    for finding in sorted(ranked, key=lambda f: f.verdict not in _SHOWN):
        if not verbose and finding.verdict is Verdict.UNKNOWN:
            alike.setdefault(finding.because, []).append(finding.subject.name)
        elif verbose or finding.verdict in _SHOWN:
            rows.append(_row(finding, verbose))
    if rows:
        yield Table(_columns(rows), tuple(rows), "Settings", notes="notes", gap=verbose)
    for n, (why, names) in enumerate(alike.items()):
        sentence = f"UNKNOWN {', '.join(dict.fromkeys(names))}: {why}"
        yield Paragraph(sentence, role=Role.UNKNOWN, gap=not rows and not n)


def _columns(rows: Sequence[Row]) -> tuple[Column, ...]:
    """Return the columns: those of values at boot are left out where each is what it is now."""
    now, boot = (next(n for n, column in enumerate(_COLUMNS) if column.name == name) for name in ("now", "at boot"))
    if any(row.cells[boot] not in ("", row.cells[now]) for row in rows if not row.extra):
        return _COLUMNS
    columns = [*_COLUMNS]
    columns[boot] = dataclasses.replace(_COLUMNS[boot], extra=True)
    return tuple(columns)


def _value(raw: Value | Unknown | None, unit: str) -> str:
    """Return a value; the soft and the hard limit of descriptors are one number where they are alike."""
    if unit == "descriptors" and isinstance(raw, tuple):
        return ":".join(dict.fromkeys(value(number, unit) for number in raw))
    if isinstance(raw, Unknown) and raw.reason is Reason.UNSET:
        return ""  # nothing sets it: it stays what it is
    return value(raw, unit)


def _grade(finding: Finding) -> str:
    if finding.verdict is Verdict.FAIL:
        return _GRADES[finding.severity]
    return {Verdict.NOT_APPLICABLE: "n/a"}.get(finding.verdict, finding.verdict.value)


def _row(finding: Finding, verbose: bool) -> Row:
    row, reading = finding.requirement, finding.reading
    name, verdict = finding.subject.label, _grade(finding)
    if finding.subject.kind == "nofile":
        name = f"nofile {finding.subject.name.partition('/')[2]}"
    role = _ROLES.get(finding.verdict, Role.PLAIN)
    folded = finding.severity is Severity.INFO and not verbose
    if row is None or reading is None:
        notes = (finding.because, *((f"fix: {finding.fix}",) if finding.fix else ()))
        return Row((verdict, name, "", "", "", finding.severity.value, "", ""), notes, role, folded)
    origin = str(reading.origin) if reading.origin else "a new namespace" if reading.fresh else "nothing on disk"
    values = (_value(reading.runtime, row.unit), _value(reading.boot, row.unit), wants(row))
    explained = finding.verdict in (Verdict.DRIFT, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE)
    explained = explained or isinstance(reading.runtime, Unknown) or (reading.fresh and verbose)
    notes = ((finding.because,) if explained else ()) + (tuple(_provenance(finding)) if verbose else ())
    return Row((verdict, name, *values, finding.severity.value, origin, row.why), notes, role, folded)


def _provenance(finding: Finding) -> Iterator[str]:
    row, reading = finding.requirement, finding.reading
    if row is None or reading is None:
        return
    yield f"why: {row.why} [{row.source}]"
    if row.number_source:
        yield f"number: {row.number_source}"
    yield f"asked by {', '.join(row.roles)} ({row.origin}), {row.severity}"
    if not reading.fresh:
        yield f"from {reading.origin}" if reading.origin else "nothing on disk sets it"
        yield from (f"overrides {loser} ({loser.text})" for loser in reading.beaten)
        yield from reading.notes


def _pools(pools: tuple[PortPool, ...]) -> Iterator[Paragraph]:
    groups = folding.pools(pools)
    for alike in groups[:_POOLS]:
        pool, least = alike[0], ""
        if any(p.free < p.free_most for p in alike):
            why = "if the sockets on them set SO_REUSEADDR" if pool.mode is BindMode.EXPLICIT else "at the most"
            least = f" ({max(p.free_most for p in alike):,} {why})"
        goal = pool.backend if len(alike) == 1 else f"each of {len(alike):,} backends"
        yield Paragraph(
            f"{pool.source} -> {goal} {pool.mode}: {pool.in_range:,} ports in {pool.low}-{pool.high}, "
            f"{pool.reserved:,} reserved, {pool.blocked:,} held by bound sockets; "
            f"{spread(p.established for p in alike)} established, "
            f"{spread(p.time_wait for p in alike)} TIME_WAIT, {spread(p.other for p in alike)} other; "
            f"{spread(p.free for p in alike)} free now{least}"
        )
        yield from (Paragraph(note, depth=1) for note in dict.fromkeys(note for p in alike for note in p.notes))
    if groups[_POOLS:]:
        left = sum(map(len, groups[_POOLS:]))
        yield Paragraph(f"... and {left:,} more port pools (--format json)")


def _footer(report: Report, verbose: bool) -> Iterator[Block]:
    def count(*verdicts: Verdict) -> int:
        return sum(f.verdict in verdicts for f in report.findings)

    failed = [f.severity for f in report.findings if f.verdict is Verdict.FAIL]
    notes = failed.count(Severity.INFO)
    counts = [
        figures.counted(failed.count(Severity.ERROR), "error"),
        figures.counted(failed.count(Severity.WARNING), "warning") if Severity.WARNING in failed else "",
        f"{figures.counted(notes, 'note')}{'' if verbose else ' (-v)'}" if notes else "",
        f"{count(Verdict.DRIFT)} drift" if count(Verdict.DRIFT) else "",
        f"{count(Verdict.UNKNOWN)} unknown" if count(Verdict.UNKNOWN) else "",
        f"{count(Verdict.OK)} ok" + ("" if verbose else " (-v)"),
    ]
    yield Paragraph(" · ".join(filter(None, counts)), joined=True)
    if key := binding.key(report):
        yield Commands("why", (f"hosttune explain {key}",))
