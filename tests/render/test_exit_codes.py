"""Each answer has one exit code."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import hosttune
from hosttune import Options, Place
from hosttune.model import Conclusion, Diagnosis, Report, Severity, Symptom, Verdict
from hosttune.render import exit_codes

REPORT = hosttune.check(
    Options(role="lb"), Place(snapshot=str(Path(__file__).parents[1] / "hosts/debian12-stock.json"))
)


def report(*verdicts: Verdict, strict: bool = False, severity: Severity = Severity.ERROR) -> Report:
    first = next(finding for finding in REPORT.findings if finding.requirement)
    findings = tuple(dataclasses.replace(first, verdict=verdict, severity=severity) for verdict in verdicts)
    return dataclasses.replace(REPORT, findings=findings, strict=strict)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (report(Verdict.OK), 0),
        (report(), 0),
        (report(Verdict.OK, Verdict.FAIL), 1),
        (report(Verdict.OK, Verdict.DRIFT), 1),
        (report(Verdict.OK, Verdict.FAIL, severity=Severity.WARNING), 0),
        (report(Verdict.OK, Verdict.UNKNOWN), 0),
        (report(Verdict.OK, Verdict.UNKNOWN, strict=True), 3),
        (report(Verdict.FAIL, Verdict.UNKNOWN, strict=True), 1),
        (report(Verdict.UNKNOWN), 3),
    ],
)
def test_a_check(made: Report, code: int) -> None:
    assert exit_codes.check(made) == code


def test_a_capacity() -> None:
    assert exit_codes.capacity(REPORT) == 1
    less = dataclasses.replace(REPORT, workload=dataclasses.replace(REPORT.workload, connections=100))
    assert exit_codes.capacity(dataclasses.replace(less, bounds=())) == 0


@pytest.mark.parametrize(
    ("conclusion", "code"),
    [(Conclusion.NOTHING, 0), (Conclusion.CAUSE, 1), (Conclusion.OWN_LIMIT, 1), (Conclusion.NOT_ENOUGH, 3)],
)
def test_a_diagnosis(conclusion: Conclusion, code: int) -> None:
    assert exit_codes.diagnose(Diagnosis(REPORT.machine, Symptom(), 0.0, conclusion, "")) == code
