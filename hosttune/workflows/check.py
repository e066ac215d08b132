"""From options to a report: the host that they name, held against its role, with what fixes what does not hold."""

from __future__ import annotations

import dataclasses
import time

from hosttune import printable
from hosttune.facts import machine as machines
from hosttune.facts import where as places
from hosttune.host import Host
from hosttune.host.live import LiveHost
from hosttune.model import Report, Severity, Verdict
from hosttune.options import Options, Place, spelled
from hosttune.render import exit_codes, where_words
from hosttune.workflows import examine, loading, opening


def check(options: Options, place: Place, fail_on: Severity, strict: bool, command: str) -> Report:
    """Examine the host, and say with the report what fixes it; raises UsageError or ProfileError."""
    with loading.standpoint(options, place) as point, opening.remembering(point.host):
        report = point.look(lambda host, view: _report(options, command, host, view))
    live = not place.snapshot
    fix = _fix(report, options, place.root) if live else ()
    report = dataclasses.replace(
        report, fix=fix, fail_on=fail_on, strict=strict, taken=round(time.time(), 3) if live else None
    )
    return _waiting(LiveHost(), report) if place == Place() else report


def capacity(options: Options, place: Place, command: str) -> Report:
    """Return the same report, with what fixes it only where the workload is not carried; raises as `check`."""
    report = check(options, place, Severity.ERROR, False, command)
    return report if exit_codes.capacity(report) else dataclasses.replace(report, fix=())


def _report(options: Options, command: str, host: Host, view: opening.View) -> Report:
    loaded = loading.load(host, options, view.came.process)
    where = places.gather(host, machines.gather(host), view.came)
    report = examine.examine(host, loaded.profiles, loaded.workload, loaded.programs, command, view.missing, where)
    return dataclasses.replace(report, warnings=loaded.notes + report.warnings)


def _fix(report: Report, options: Options, root: str) -> tuple[str, ...]:
    """Return what fixes what does not hold, nothing where it holds."""
    wrong = any(f.requirement and f.verdict in (Verdict.FAIL, Verdict.DRIFT) for f in report.findings)
    if not wrong:
        return ()
    if report.where.host_wide and not report.where.contained:
        below = [] if root == "/" else ["--root", root]
        return (printable.words(["sudo", "hosttune", "apply", *spelled(options), *below]),)
    from hosttune.workflows import write_scope  # it plans changes: only what is judged elsewhere imports that

    findings = [f for f in report.findings if f.requirement]
    return tuple(where_words.lines(write_scope.shortfall(report, findings, loading.role_words(options))))


def _waiting(host: LiveHost, report: Report) -> Report:
    """Return the report with what an apply that waits to be confirmed means for it."""
    if not host.glob("/var/lib/hosttune/*.json"):
        return report  # most hosts: nothing more is imported for them
    from hosttune.workflows import confirming

    warning, command = confirming.waiting(host)
    if not warning:
        return report
    return dataclasses.replace(report, warnings=(warning, *report.warnings), fix=(command,) if report.fix else ())
