"""A report as tests that pass, fail or are skipped, for the formats that know nothing else.

A finding is a test of each role that asks for it, a lint one of "lint", a bound one of "capacity": it fails where it
lies below the target, whatever the exit code says, which is that of the findings. A failure below --fail-on is shown
and does not count. What is unknown is skipped with its reason; with --strict it fails, a bound always, a finding
at or above --fail-on. A name is the same in each run, and no other's of its group: what reads them compares by it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from hosttune.model import Bound, Finding, Report, Unknown, Verdict
from hosttune.printable import clean, cleaned
from hosttune.render import folding
from hosttune.render.figures import hard_bounds, reached, slow_bounds, value, wants

LINT = "lint"
CAPACITY = "capacity"
_PID = re.compile(r"\bnofile:pid/[0-9]+")


class Outcome(StrEnum):
    """What became of a test; MINOR failed below --fail-on, UNKNOWN is not known and --strict requires that it is."""

    OK = "ok"
    FAILED = "failed"
    MINOR = "minor"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Case:
    """One test: the group it stands in, a name that stays from run to run, its outcome, why, and (name, text) pairs."""

    group: str
    name: str
    outcome: Outcome
    verdict: str
    message: str
    facts: tuple[tuple[str, str], ...] = ()


def cases(report: Report) -> list[Case]:
    """Return all tests of a report, those of one group together; texts are safe to print.

    Of more bounds of one kind than MOST the narrowest is a test, which stands for all.
    """
    report = cleaned(folding.few(report))
    # where nothing at all is known, all green would be a lie
    strict = report.strict or not any(f.verdict.conclusive for f in report.findings)
    made = [case for finding in report.findings for case in _of_finding(report, finding, strict)]
    asked = [case for case in made if case.group not in (LINT, CAPACITY)]
    others = [case for case in made if case.group in (LINT, CAPACITY)]
    order = [*(clean(role) for role in report.roles), *(case.group for case in asked), LINT, CAPACITY]
    ordered = sorted([*asked, *others, *_of_bounds(report)], key=lambda case: order.index(case.group))
    return list(_distinct(ordered))


def _distinct(cases: Iterable[Case]) -> Iterator[Case]:
    """Return the cases, one that has the name of an earlier one of its group with a number."""
    taken: set[tuple[str, str]] = set()
    for case in cases:
        name, number = case.name, 1
        while (case.group, name) in taken:
            number += 1
            name = f"{case.name} ({number})"
        taken.add((case.group, name))
        yield dataclasses.replace(case, name=name)


def _of_finding(report: Report, finding: Finding, strict: bool) -> Iterator[Case]:
    counts = finding.severity.rank >= report.fail_on.rank
    match finding.verdict:
        case Verdict.FAIL | Verdict.DRIFT:
            outcome = Outcome.FAILED if counts else Outcome.MINOR
        case Verdict.UNKNOWN:
            outcome = Outcome.UNKNOWN if counts and strict else Outcome.SKIPPED
        case Verdict.NOT_APPLICABLE:
            outcome = Outcome.SKIPPED
        case _:
            outcome = Outcome.OK
    roles = finding.requirement.roles if finding.requirement else (LINT,)
    for role in dict.fromkeys(roles or report.roles):
        verdict = finding.verdict.value
        # a process has another number in the next run; there is one that carries the connections
        name = _PID.sub("nofile:process", finding.id)
        yield Case(clean(role), clean(name), outcome, verdict, clean(finding.because), _facts(finding))


def _facts(finding: Finding) -> tuple[tuple[str, str], ...]:
    row, reading = finding.requirement, finding.reading
    facts = [("severity", finding.severity.value)]
    facts += [("subject", str(finding.subject))] if _PID.match(str(finding.subject)) else []
    if row is not None and reading is not None:
        facts += [("now", value(reading.runtime, row.unit)), ("boot", value(reading.boot, row.unit))]
        facts += [
            ("wants", wants(row) + (f" {row.unit}" if row.unit else "")),
            ("why", row.why),
            ("source", row.source),
        ]
        facts += [("number", row.number_source)] if row.number_source else []
        facts += [("set by", f"{reading.origin}" if reading.origin else "nothing on disk")]
    facts += [("fix", finding.fix)] if finding.fix else []
    return tuple((name, clean(text)) for name, text in facts)


def _of_bounds(report: Report) -> Iterator[Case]:
    short = {bound.id for number, bound in hard_bounds(report) if number < report.workload.connections}
    short |= {bound.id for _, bound in slow_bounds(report)}
    for bound in report.bounds:
        message = _bound_says(report, bound)
        if isinstance(bound.hard, Unknown):
            outcome = Outcome.UNKNOWN if report.strict else Outcome.SKIPPED
            yield Case(CAPACITY, clean(bound.id), outcome, Verdict.UNKNOWN.value, clean(message))
            continue
        failed = bound.id in short
        details = [("bound", bound.name), ("fails", bound.fails), ("fix", bound.raised_by), ("log", bound.log)]
        facts = tuple((name, clean(text)) for name, text in details if text) if failed else ()
        outcome = Outcome.FAILED if failed else Outcome.OK
        yield Case(CAPACITY, clean(bound.id), outcome, "FAIL" if failed else "OK", clean(message), facts)


def _bound_says(report: Report, bound: Bound) -> str:
    if isinstance(bound.hard, Unknown):
        return f"{bound.name}: {bound.hard}"
    if bound.hard is None:
        return f"{bound.name}: refuses nothing here"
    target = report.workload.connections if bound.unit == "connections" else report.workload.rate
    return f"{bound.name}: {reached(bound)} of {target:,} {bound.unit}"
