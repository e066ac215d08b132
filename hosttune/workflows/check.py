"""From options to a report: the host that they name, held against its role, with what fixes what does not hold."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

from hosttune import printable
from hosttune.host.live import LiveHost
from hosttune.model import Report, Severity, Subject, Verdict
from hosttune.options import Options, Place, spelled
from hosttune.profile import keys
from hosttune.render import exit_codes, where_words
from hosttune.workflows import finding, loading, stopping


def check(options: Options, place: Place, fail_on: Severity, strict: bool, command: str) -> Report:
    """Examine the host, and say with the report what fixes it; raises UsageError or ProfileError."""
    report = stopping.looked(options, place, command)
    report = dataclasses.replace(report, carriers=stopping.each(report.carriers, options, place))
    live = not place.snapshot
    fix = _fix(report, options, place.root) if live else ()
    report = dataclasses.replace(
        report,
        fix=fix,
        fail_on=fail_on,
        strict=strict,
        taken=round(time.time(), 3) if live else None,
        target_given=options.connections is not None,
    )
    return _waiting(LiveHost(), report) if place == Place() else report


def capacity(options: Options, place: Place, command: str) -> Report:
    """Return the same report, with what fixes it only where the workload is not carried; raises as `check`."""
    report = check(options, place, Severity.ERROR, False, command)
    return report if exit_codes.capacity(report) else dataclasses.replace(report, fix=())


def _fix(report: Report, options: Options, root: str) -> tuple[str, ...]:
    """Return what fixes what does not hold, nothing where it holds."""
    wrong = [f.subject for f in report.findings if f.requirement and f.verdict in (Verdict.FAIL, Verdict.DRIFT)]
    if not wrong:
        return ()
    allowed = [word for key in _foreign(wrong) for word in ("--allow-key", key)]
    if report.where.host_wide and not report.where.contained:
        below = [] if root == "/" else ["--root", root]
        return (printable.words(["sudo", "hosttune", "apply", *spelled(_of_unit(options, report)), *allowed, *below]),)
    from hosttune.workflows import write_scope  # it plans changes: only what is judged elsewhere imports that

    findings = [f for f in report.findings if f.requirement]
    words = " ".join(part for part in (loading.role_words(options), printable.words(allowed)) if part)
    return tuple(where_words.lines(write_scope.shortfall(report, findings, words)))


def _foreign(subjects: Sequence[Subject]) -> list[str]:
    """Return the sysctls that apply takes from a profile only where it is told to by name."""
    return [s.name for s in subjects if s.kind == "sysctl" and not keys.is_known(s.name)]


def _of_unit(options: Options, report: Report) -> Options:
    """Return the options with the unit of the program that was found.

    An apply looks for no program: named, the unit's configuration gives it the same workload.
    """
    unit = report.carriers[0].unit if report.carriers and finding.names_none(options) else ""
    return dataclasses.replace(options, service=unit) if unit else options


def _waiting(host: LiveHost, report: Report) -> Report:
    """Return the report with what an apply that waits to be confirmed means for it."""
    if not host.glob("/var/lib/hosttune/*.json"):
        return report  # most hosts: nothing more is imported for them
    from hosttune.workflows import confirming

    warning, command = confirming.waiting(host)
    if not warning:
        return report
    return dataclasses.replace(report, warnings=(warning, *report.warnings), fix=(command,) if report.fix else ())
