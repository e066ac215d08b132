"""From options to a report: the host that they name, held against its role, with what fixes what does not hold."""

from __future__ import annotations

import dataclasses
import time

from hosttune.host.live import LiveHost
from hosttune.model import Report, Severity
from hosttune.options import Options, Place
from hosttune.render import exit_codes
from hosttune.workflows import contained, fixes, stopping


def check(options: Options, place: Place, fail_on: Severity, strict: bool, command: str) -> Report:
    """Examine the host, and say with the report what fixes it; raises UsageError or ProfileError."""
    options = contained.of_role(options, place)
    report = stopping.looked(options, place, command)
    report = dataclasses.replace(report, carriers=stopping.each(report.carriers, options, place))
    live = not place.snapshot
    fix = fixes.of(report, options, place) if live else ()
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


def _waiting(host: LiveHost, report: Report) -> Report:
    """Return the report with what an apply that waits to be confirmed means for it."""
    if not host.glob("/var/lib/hosttune/*.json"):
        return report  # most hosts: nothing more is imported for them
    from hosttune.workflows import confirming

    warning, command = confirming.waiting(host)
    if not warning:
        return report
    return dataclasses.replace(report, warnings=(warning, *report.warnings), fix=(command,) if report.fix else ())
