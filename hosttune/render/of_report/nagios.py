"""The report as a plugin of Nagios, Icinga and their kind: one line with performance data, exit code 0, 1, 2 or 3.

CRITICAL: a finding at or above --fail-on is wrong now (it fails, or is right only on disk), a bound lies below the
target, or one is reached now. WARNING: a warning is wrong now, something is right now and lost at a boot, or a bound is
used beyond its knee. UNKNOWN: nothing is known; with --strict, a bound is not, or a finding at or above
--fail-on. The worst wins, in this order. What is unknown is in the line in any state.
"""

from __future__ import annotations

from collections.abc import Iterator

from hosttune.model import Bound, Finding, PortPool, Report, Scope, Severity, Unknown, Verdict
from hosttune.printable import clean, cleaned
from hosttune.render.figures import hard_bounds, reached, slow_bounds, unread
from hosttune.render.page import PLAIN, Page

OK, WARNING, CRITICAL, UNKNOWN = range(4)
_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_POOLS = 3
"""Backends and port pools of which there is performance data, the fullest: there may be thousands."""
_NAMED = 5
"""Findings of a kind, and bounds that are reached, that are named in the line."""


def render(report: Report, page: Page = PLAIN) -> str:
    """Return the line."""
    report = cleaned(report)
    summary = "; ".join(
        text for text in (_stall(report), *_carriers(report), *_taken(report), *_findings(report)) if text
    )
    return f"{_line(exit_code(report), summary)} | {' '.join(_data(report))}\n"


def failed(message: str, taken: float | None = None) -> str:
    """Return the line of a run in which nothing could be examined. When that was, it does not tell."""
    return f"{_line(UNKNOWN, message.removeprefix('hosttune: '))}\n"


def failed_code() -> int:
    """Return the exit code of such a run."""
    return UNKNOWN


def exit_code(report: Report) -> int:
    """Return the state: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."""
    return next((state for state, holds in _STATES.items() if holds(report)), OK)


def _critical(report: Report) -> bool:
    hard = hard_bounds(report)
    short = any(number < report.workload.connections or _at(bound, number) for number, bound in hard)
    return short or bool(slow_bounds(report)) or any(_counts(report, finding) for finding in _wrong(report))


def _warned(report: Report) -> bool:
    wrong = [*_wrong(report), *filter(_drifts, report.findings)]
    grave = any(f.severity.rank >= Severity.WARNING.rank or _counts(report, f) for f in wrong)
    return grave or any(_at(bound, bound.knee) for bound in report.bounds)


def _unknown(report: Report) -> bool:
    unknown = _unseen(report) or any(_not_read(f) and _counts(report, f) for f in report.findings)
    return (report.strict and bool(unknown)) or not _conclusive(report)


_STATES = {CRITICAL: _critical, WARNING: _warned, UNKNOWN: _unknown}
"""When each state holds; the first that does is the answer."""


def _wrong(report: Report) -> list[Finding]:
    """Return what is wrong now."""
    return [f for f in report.findings if _fails(f) or _not_in_force(f)]


def _counts(report: Report, finding: Finding) -> bool:
    return finding.severity.rank >= report.fail_on.rank


def _fails(finding: Finding) -> bool:
    return finding.verdict is Verdict.FAIL


def _not_in_force(finding: Finding) -> bool:
    """Whether it is right on disk, and wrong now."""
    return finding.verdict is Verdict.DRIFT and finding.in_force is False


def _drifts(finding: Finding) -> bool:
    """Whether it is right now, and lost at a boot."""
    return finding.verdict is Verdict.DRIFT and not _not_in_force(finding)


def _not_read(finding: Finding) -> bool:
    return finding.verdict is Verdict.UNKNOWN


_KINDS = {"failed": _fails, "not in force": _not_in_force, "drift": _drifts, "unknown": _not_read}


def _unseen(report: Report) -> int:
    """Return how many bounds are unknown."""
    return sum(isinstance(bound.hard, Unknown) for bound in report.bounds)


def _conclusive(report: Report) -> bool:
    """Whether anything at all is known."""
    return bool(hard_bounds(report)) or any(f.verdict is Verdict.OK for f in report.findings)


def _at(bound: Bound, limit: object) -> bool:
    return isinstance(limit, int) and bound.used is not None and bound.used >= limit


def _line(state: int, text: str) -> str:
    # a bar would begin performance data, and a second line is another part of the answer
    return f"HOSTTUNE {_WORDS[state]} - {clean(text).replace('|', '/')}"


def _stall(report: Report) -> str:
    target, hard, slow = report.workload.connections, hard_bounds(report), slow_bounds(report)
    if not hard:
        return "all limits are unknown"
    number, first = hard[0]
    unseen = _unseen(report)
    if number < target:
        latest = " at the latest" if unread(report) else ""
        sentence = f"limit {reached(first)} connections{latest} ({first.name})"
    elif unseen:
        # what is not seen may lie lower
        sentence = f"no limit below {target:,} found, {unseen} unknown, first {number:,} ({first.name})"
    else:
        sentence = f"reaches {target:,}, first limit {number:,} connections ({first.name})"
    return sentence + (f", only {slow[0][0]:,} new connections/s ({slow[0][1].name})" if slow else "")


def _carriers(report: Report) -> Iterator[str]:
    """Yield which program that is, or that none runs, what of it could not be read, and the others."""
    yield report.idle
    for carrier in report.carriers[:1]:
        yield f"{carrier.program} (pid {carrier.pid})"
        yield ", ".join(f"{path} was changed since it started" for path in carrier.changed[:1])
    yield from unread(report)
    for carrier in report.carriers[1:_NAMED]:
        number = f"limit {carrier.connections:,}" if carrier.connections is not None else "is not judged"
        yield f"{carrier.program} (pid {carrier.pid}) {number}"


def _taken(report: Report) -> Iterator[str]:
    """Yield the bounds that are reached now, or used beyond their knee."""
    taken = []
    for bound in report.bounds:
        for limit, word in ((bound.hard, "full"), (bound.knee, "slow")):
            if _at(bound, limit):
                taken.append(f"{word} now: {bound.name}, {bound.used:,} of {limit:,}")
                break
    yield from taken[:_NAMED]
    if taken[_NAMED:]:
        yield f"and {len(taken) - _NAMED:,} more that are full or slow"


def _findings(report: Report) -> Iterator[str]:
    for word, kind in _KINDS.items():
        matching = [f for f in report.findings if kind(f)]
        matching = [f for f in matching if f.severity is not Severity.INFO or _counts(report, f)]
        matching.sort(key=lambda f: -f.severity.rank)
        if matching:
            more = f" and {len(matching) - _NAMED} more" if len(matching) > _NAMED else ""
            yield f"{len(matching)} {word}: {', '.join(f.subject.name for f in matching[:_NAMED])}{more}"


def _data(report: Report) -> Iterator[str]:
    """Return performance data: label=value;warning;critical;minimum;maximum, in connections, ports and counts.

    What may come and go is at the end: some graphs go by the order.
    """
    hard = hard_bounds(report)
    if hard:
        # N: alerts below N
        yield f"capacity={hard[0][0]};;{report.workload.connections}:;0;"
    for verdict in (Verdict.FAIL, Verdict.DRIFT, Verdict.UNKNOWN):
        yield f"{verdict.value.lower()}={sum(f.verdict is verdict for f in report.findings)};;;0;"
    used = sorted(((b, b.used, limit) for limit, b in hard if b.used is not None), key=lambda row: row[0].id)
    backends = sorted((row for row in used if _of_backend(row[0])), key=lambda row: _share(row[1], row[2]))
    for bound, taken, limit in [*(row for row in used if not _of_backend(row[0])), *backends[:_POOLS]]:
        yield _datum(f"used {bound.id}", taken, bound.knee, limit)
    pools = sorted(report.pools, key=lambda p: (_share(p.used, p.usable), p.source, str(p.backend)))
    for pool in pools[:_POOLS]:
        yield _datum(_pool(pool), pool.used, pool.knee, pool.usable)


def _of_backend(bound: Bound) -> bool:
    return bound.kind == "ports" and bound.scope is not Scope.ALL


def _share(used: int, limit: int) -> int:
    """Return a key that sorts the fullest first, in millionths."""
    return -used * 10**6 // max(limit, 1)


def _pool(pool: PortPool) -> str:
    return f"ports {pool.source} to {pool.backend}"


def _datum(label: str, used: int, knee: int | None, hard: object) -> str:
    # a label in quotes may hold anything but = and the quote itself
    quoted = clean(label).replace("'", "").replace("=", "").replace("|", "/")
    return f"'{quoted}'={used};{'' if knee is None else knee};{hard};0;{hard}"
