"""The report as Markdown, for a ticket: the one number, the bounds, what does not hold, what could not be told."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune.model import Finding, Report, Severity, Unknown, Verdict
from hosttune.printable import cleaned
from hosttune.render.view import markdown as md
from hosttune.render.view import text_parts
from hosttune.render.view.figures import hard_bounds, slow_bounds, value, wants

_WIDE = 1_000_000
"""A width at which nothing is folded: Markdown folds by itself."""


def render(report: Report, *, verbose: bool = False, color: bool = False, width: int = 80, unicode: bool = True) -> str:
    """Return the document; `verbose` adds what holds, the other arguments change nothing."""
    report = cleaned(report)
    first, *why = (line.strip() for line in text_parts.verdict(report, _WIDE))
    roles = " + ".join(report.roles)
    lines = [f"# {md.text(report.machine.hostname or 'host')}: {md.text(roles)}", ""]
    lines += [md.text(line) for line in text_parts.header(report, _WIDE)]
    lines += ["", f"**{md.text(first)}**", "", *(f"- {md.text(text)}" for text in why), *([""] if why else [])]
    lines += md.section("Bounds, the smallest first", _bounds(report))
    lines += md.section("Too slow", [f"- {md.text(text)}" for text in _slow(report)])
    lines += md.section("Does not hold", _findings(report, Verdict.FAIL, Verdict.DRIFT))
    lines += md.section("Could not be told", [f"- {md.text(text)}" for text in _untold(report)])
    lines += md.section("Holds", _findings(report, Verdict.OK)) if verbose else []
    lines += md.section(
        "To be heeded", [f"- {md.text(line.strip())}" for line in text_parts.remarks(report, _WIDE) if line]
    )
    lines += md.section("Next", _next(report))
    return "\n".join(lines).rstrip() + "\n"


def _bounds(report: Report) -> list[str]:
    hard = hard_bounds(report)
    if not hard:
        return []
    lines = md.head("bound", "connections:", "slow from:", "used now:", "", "raise it", "shows as")
    for number, bound in hard:
        short = "short" if number < report.workload.connections else "enough"
        counts = (f"{count:,}" if count is not None else "" for count in (number, bound.knee, bound.used))
        lines.append(md.row((bound.name, *counts, short, bound.raised_by, bound.fails)))
    return lines


def _slow(report: Report) -> list[str]:
    found = slow_bounds(report)
    return [f"{number:,} new connections/s: {b.name}; {b.fails}; {b.raised_by}".rstrip("; ") for number, b in found]


def _findings(report: Report, *verdicts: Verdict) -> list[str]:
    found = [f for f in report.findings if f.verdict in verdicts]
    if not found:
        return []
    ranked = sorted(found, key=lambda f: (-f.severity.rank, list(Verdict).index(f.verdict), str(f.subject)))
    rows = [md.row(_cells(f)) for f in ranked]
    return [*md.head("", "severity", "subject", "now:", "boot:", "wants:", "set by", "why"), *rows]


def _cells(finding: Finding) -> tuple[str, ...]:
    row, reading = finding.requirement, finding.reading
    name = finding.subject.label
    begin = (finding.verdict.value, finding.severity.value, name)
    if row is None or reading is None:
        fix = f"; {finding.fix}" if finding.fix else ""
        return (*begin, "", "", "", "", f"{finding.because}{fix}")
    now, boot = value(reading.runtime, row.unit), value(reading.boot, row.unit)
    origin = str(reading.origin) if reading.origin else "a new namespace" if reading.fresh else "nothing on disk"
    why = finding.because if finding.verdict is Verdict.DRIFT else row.why
    return (*begin, now, boot, wants(row), origin, why)


def _untold(report: Report) -> list[str]:
    found = [f"{f.subject.name}: {f.because}" for f in report.findings if f.verdict is Verdict.UNKNOWN]
    return found + [f"{b.name}: {b.hard}" for b in report.bounds if isinstance(b.hard, Unknown)]


def _next(report: Report) -> list[str]:
    first = next((f for f in report.findings if f.verdict is Verdict.FAIL and f.severity is not Severity.INFO), None)
    steps = [("fix", report.fix), ("made by", (report.command,) if report.command else ())]
    if first is not None and first.subject.kind == "sysctl":
        steps.insert(0, ("why", (f"hosttune explain {first.subject.name}",)))
    return [line for what, run in steps if run for line in _step(what, run)]


def _step(what: str, run: Sequence[str]) -> list[str]:
    """Return a command, or lines of which those that begin with two blanks are to be pasted."""
    first, *more = run
    if not more and not first.startswith("  "):
        return [f"- {what}: {md.code(first)}"]
    found = [f"- {what}: {md.code(first) if first.startswith(('sudo ', 'hosttune ')) else md.text(first)}"]
    return found + [f"  - {md.code(line.strip()) if line.startswith('  ') else md.text(line)}" for line in more]
