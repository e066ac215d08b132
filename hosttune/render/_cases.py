"""A report as tests that pass, fail or are skipped, for the formats that know nothing else.

A finding is a test of each role that asks for it, a lint one of "lint", a bound one of "capacity": it fails where it
lies below what is wanted, whatever the exit code says, which is that of the findings. A failure below --fail-on is told
and does not count. What could not be told is skipped with its reason; with --strict, at or above --fail-on, it fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from hosttune.model import Bound, Finding, Report, Unknown, Verdict
from hosttune.render._figures import clean, hard_bounds, slow_bounds, value, wants

LINT = "lint"
CAPACITY = "capacity"


class Outcome(StrEnum):
    """What became of a test; MINOR failed below --fail-on, UNTOLD could not be told and --strict wants it told."""

    OK = "ok"
    FAILED = "failed"
    MINOR = "minor"
    UNTOLD = "untold"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Case:
    """One test: the group it stands in, a name that stays from run to run, its outcome, why, and (name, text) pairs."""

    group: str
    name: str
    outcome: Outcome
    verdict: str
    said: str
    facts: tuple[tuple[str, str], ...] = ()


def cases(report: Report) -> list[Case]:
    """Return all tests of a report, those of one group together; texts are safe to print."""
    made = [case for finding in report.findings for case in _of_finding(report, finding)]
    others = (case.group for case in made if case.group != LINT)
    groups = [*report.roles, *others, LINT]
    ordered = [case for group in dict.fromkeys(groups) for case in made if case.group == group]
    return ordered + list(_of_bounds(report))


def _of_finding(report: Report, finding: Finding) -> Iterator[Case]:
    counts = finding.severity.rank >= report.fail_on.rank
    match finding.verdict:
        case Verdict.FAIL | Verdict.DRIFT:
            outcome = Outcome.FAILED if counts else Outcome.MINOR
        case Verdict.UNKNOWN:
            outcome = Outcome.UNTOLD if counts and report.strict else Outcome.SKIPPED
        case Verdict.NOT_APPLICABLE:
            outcome = Outcome.SKIPPED
        case _:
            outcome = Outcome.OK
    roles = finding.requirement.roles if finding.requirement else (LINT,)
    for role in dict.fromkeys(roles or report.roles):
        verdict = finding.verdict.value
        yield Case(clean(role), clean(finding.id), outcome, verdict, clean(finding.because), _facts(finding))


def _facts(finding: Finding) -> tuple[tuple[str, str], ...]:
    row, reading = finding.requirement, finding.reading
    told = [("severity", finding.severity.value)]
    if row is not None and reading is not None:
        told += [("now", value(reading.runtime, row.unit)), ("boot", value(reading.boot, row.unit))]
        told += [("wants", wants(row) + (f" {row.unit}" if row.unit else "")), ("why", row.why), ("source", row.source)]
        told += [("set by", f"{reading.origin}" if reading.origin else "nothing on disk")]
    told += [("mend", finding.mend)] if finding.mend else []
    return tuple((name, clean(text)) for name, text in told)


def _of_bounds(report: Report) -> Iterator[Case]:
    short = {bound.id for number, bound in hard_bounds(report) if number < report.workload.connections}
    short |= {bound.id for _, bound in slow_bounds(report)}
    for bound in report.bounds:
        said = _bound_says(report, bound)
        if isinstance(bound.hard, Unknown):
            yield Case(CAPACITY, clean(bound.id), Outcome.SKIPPED, Verdict.UNKNOWN.value, clean(said))
            continue
        failed = bound.id in short
        told = [("bound", bound.name), ("fails", bound.fails), ("raise it", bound.raised_by), ("log", bound.log)]
        facts = tuple((name, clean(text)) for name, text in told if text) if failed else ()
        outcome = Outcome.FAILED if failed else Outcome.OK
        yield Case(CAPACITY, clean(bound.id), outcome, "FAIL" if failed else "OK", clean(said), facts)


def _bound_says(report: Report, bound: Bound) -> str:
    if isinstance(bound.hard, Unknown):
        return f"{bound.name}: {bound.hard}"
    if bound.hard is None:
        return f"{bound.name}: refuses nothing here"
    wanted = report.workload.connections if bound.unit == "connections" else report.workload.rate
    return f"{bound.name}: {bound.hard:,} of {wanted:,} {bound.unit}"
