"""One number for one need: what requirements say, held against what the bounds of the workload come to; pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from hosttune.findings.compare import holds
from hosttune.model import Finding, Operator, Remedy, Requirement, Severity, Value, Verdict

Judged = Callable[[Requirement], Finding]
_WRONG = (Verdict.FAIL, Verdict.DRIFT)


@dataclass(frozen=True, slots=True)
class Needs:
    """What bounds of one moment come to: kinds that are short of the target, kinds that are unknown, what raises them.

    `refused` are the subjects of remedies whose bound refuses connections, or is slower than their rate.
    """

    short: frozenset[str]
    unknown: frozenset[str]
    remedies: Mapping[str, Remedy]
    refused: frozenset[str]


def settled(findings: Iterable[Finding], now: Needs, boot: Needs, binding: str, judged: Judged) -> list[Finding]:
    """Return the findings with requirements that agree with the bounds, those now and those after a boot.

    A requirement that names its bounds asks as much as raises those that are short, and is no error where none of them
    is. `binding` is the subject whose descriptors the bounds are of: of another one they say nothing. `judged` holds a
    requirement against its reading.
    """
    return [_settled(finding, now, boot, binding, judged) for finding in findings]


def _settled(finding: Finding, now: Needs, boot: Needs, binding: str, judged: Judged) -> Finding:
    row, subject = finding.requirement, str(finding.subject)
    if row is None or not row.bounds or (subject.startswith("nofile:") and subject != binding):
        return finding
    for needs in (now, boot):
        remedy = needs.remedies.get(subject)
        more = raised(row, _asked(remedy)) if remedy and row is not None else row
        if subject in needs.refused:
            more = dataclasses.replace(more, severity=Severity.ERROR)
        if more != row:
            row, finding = more, judged(more)
    if finding.verdict not in _WRONG or _needed(finding, row, now, boot):
        return finding
    sentence = f"no limit of this workload needs it: {finding.because}"
    return dataclasses.replace(finding, verdict=Verdict.NOT_APPLICABLE, because=sentence, fix="", in_force=None)


def _asked(remedy: Remedy) -> Value:
    """Return what a remedy asks: of entries, which others come and go with, so many that the next look asks no more."""
    steady = remedy.comfortable if remedy.unit == "entries" else None
    return remedy.value if steady is None else steady


def _needed(finding: Finding, row: Requirement, now: Needs, boot: Needs) -> bool:
    """Say whether a bound is short, or not known, in the layer in which the requirement does not hold."""
    kinds = set(row.bounds)
    in_force, at_boot = (finding.in_force is not True), (finding.in_force is not False)
    return bool((in_force and kinds & (now.short | now.unknown)) or (at_boot and kinds & (boot.short | boot.unknown)))


def raised(row: Requirement, value: Value) -> Requirement:
    """Return a requirement that asks for what a bound needs too; the same where it does."""
    if not row.wants:
        return row
    want = row.wants[0]
    if isinstance(want, tuple) and isinstance(value, int):
        value = (value,) * len(want)
    if row.operator is Operator.ONE_OF:
        return row if row.wants == (value,) or value not in row.wants else dataclasses.replace(row, wants=(value,))
    if row.operator is Operator.EQUALS or holds(dataclasses.replace(row, wants=(value,)), want):
        return row
    if isinstance(want, tuple) and isinstance(value, tuple) and len(want) == len(value):
        pick = (min, max) if row.operator is Operator.COVERS else (max,) * len(want)
        value = tuple(choose(a, b) for choose, a, b in zip(pick, want, value, strict=True))
    return dataclasses.replace(row, wants=(value,))
