"""The report as a plugin of Nagios, Icinga and their kind: one line with performance data, exit code 0, 1, 2 or 3.

CRITICAL: a finding fails at or above --fail-on, a bound lies below what is wanted, or one is reached now. WARNING: a
warning fails, something drifts (right now, not after a boot), or a bound is used beyond its knee. UNKNOWN: nothing
could be told; with --strict, that anything at or above --fail-on could not. The worst wins, in this order.
"""

from __future__ import annotations

from collections.abc import Iterator

from hosttune.model import Bound, Finding, PortPool, Report, Severity, Verdict
from hosttune.render._figures import clean, hard_bounds, slow_bounds

OK, WARNING, CRITICAL, UNKNOWN = range(4)
_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_POOLS = 3
"""Port pools of which there is performance data, the fullest: there may be thousands."""
_NAMED = 5
"""Findings that are named in the line."""


def render(report: Report, *, verbose: bool = False, color: bool = False, width: int = 80, unicode: bool = True) -> str:
    """Return the line; the presentation's arguments change nothing."""
    said = "; ".join(text for text in (_stall(report), *_findings(report)) if text)
    return f"{_line(exit_code(report), said)} | {' '.join(_data(report))}\n"


def failed(message: str) -> str:
    """Return the line of a run in which nothing could be examined."""
    return f"{_line(UNKNOWN, message.removeprefix('hosttune: '))}\n"


def failed_code() -> int:
    """Return the exit code of such a run."""
    return UNKNOWN


def exit_code(report: Report) -> int:
    """Return the state: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."""
    wrong = [f for f in report.findings if f.verdict is Verdict.FAIL]
    drifts = [f for f in report.findings if f.verdict is Verdict.DRIFT]
    short = any(number < report.workload.connections for number, _ in hard_bounds(report))
    full = any(_at(bound, bound.hard) for _, bound in hard_bounds(report))
    if any(_counts(report, f) for f in wrong) or short or slow_bounds(report) or full:
        return CRITICAL
    slow = any(_at(bound, bound.knee) for bound in report.bounds)
    if slow or any(f.severity.rank >= Severity.WARNING.rank or _counts(report, f) for f in [*wrong, *drifts]):
        return WARNING
    untold = any(f.verdict is Verdict.UNKNOWN and _counts(report, f) for f in report.findings)
    return UNKNOWN if (report.strict and untold) or not _told(report) else OK


def _counts(report: Report, finding: Finding) -> bool:
    return finding.severity.rank >= report.fail_on.rank


def _told(report: Report) -> bool:
    """Whether anything at all could be told."""
    return bool(hard_bounds(report)) or any(f.verdict is Verdict.OK for f in report.findings)


def _at(bound: Bound, limit: object) -> bool:
    return isinstance(limit, int) and bound.used is not None and bound.used >= limit


def _line(state: int, text: str) -> str:
    # a bar would begin performance data, and a second line is another part of the answer
    return f"HOSTTUNE {_WORDS[state]} - {clean(text).replace('|', '/')}"


def _stall(report: Report) -> str:
    wanted, hard, slow = report.workload.connections, hard_bounds(report), slow_bounds(report)
    if not hard:
        return "no bound could be told"
    number, first = hard[0]
    verb = "stalls at" if number < wanted else f"carries {wanted:,}, first limit"
    said = f"{verb} {number:,} connections ({first.name})"
    return said + (f", only {slow[0][0]:,} new connections/s ({slow[0][1].name})" if slow else "")


def _findings(report: Report) -> Iterator[str]:
    for verdict, word in ((Verdict.FAIL, "failed"), (Verdict.DRIFT, "drift"), (Verdict.UNKNOWN, "could not be read")):
        found = [f for f in report.findings if f.verdict is verdict and f.severity is not Severity.INFO]
        found.sort(key=lambda f: -f.severity.rank)
        if found:
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            yield f"{len(found)} {word}: {', '.join(f.subject.name for f in found[:_NAMED])}{more}"


def _data(report: Report) -> Iterator[str]:
    """Return performance data: label=value;warning;critical;minimum;maximum, in connections, ports and counts."""
    hard = hard_bounds(report)
    if hard:
        # N: alerts below N
        yield f"capacity={hard[0][0]};;{report.workload.connections}:;0;"
    for _, bound in hard:
        if bound.used is not None:
            yield _datum(f"used {bound.id}", bound.used, bound.knee, bound.hard)
    fullest = sorted(report.pools, key=lambda p: (-p.used * 10**6 // max(p.usable, 1), p.source, str(p.backend)))
    for pool in fullest[:_POOLS]:
        yield _datum(_pool(pool), pool.used, pool.knee, pool.usable)
    for verdict in (Verdict.FAIL, Verdict.DRIFT, Verdict.UNKNOWN):
        yield f"{verdict.value.lower()}={sum(f.verdict is verdict for f in report.findings)};;;0;"


def _pool(pool: PortPool) -> str:
    return f"ports {pool.source} to {pool.backend}"


def _datum(label: str, used: int, knee: int | None, hard: object) -> str:
    # a label in quotes may hold anything but = and the quote itself
    quoted = clean(label).replace("'", "").replace("=", "").replace("|", "/")
    return f"'{quoted}'={used};{'' if knee is None else knee};{hard};0;{hard}"
