"""The main job: compare this host with its role, count what it carries, print it."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

from hosttune import render
from hosttune.errors import UsageError
from hosttune.host.live import LiveHost
from hosttune.model import Report
from hosttune.options import Options
from hosttune.render.of_report import prometheus
from hosttune.terminal import metrics_file
from hosttune.workflows import examine, loading, opening


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune check`, as given; `options` are those that `apply` has too, `textfile` "" for none."""

    options: Options
    netns: str
    root: str
    snapshot: str
    format: str
    fail_on: str
    strict: bool
    verbose: bool
    textfile: str = ""


def run(asked: Asked) -> int:
    """Print the report and return the exit code, which a format may have of its own."""
    if asked.textfile and (asked.snapshot or asked.root != "/"):
        raise UsageError("--textfile: node_exporter tells of the host it runs on; leave out --snapshot and --root")
    metrics_file.check(asked.textfile)
    render.check_format(Report, asked.format)
    fail_on = examine.severity(asked.fail_on)
    report = loading.report(asked.options, asked.root, asked.snapshot, asked.netns)
    taken = None if asked.snapshot else round(time.time(), 3)
    if not (asked.netns or asked.snapshot) and asked.root == "/":
        report = _waiting(LiveHost(), report)
    report = dataclasses.replace(report, fail_on=fail_on, strict=asked.strict, taken=taken)
    if asked.textfile:
        metrics_file.write(asked.textfile, prometheus.render(report))
    opening.present(report, asked.format, asked.verbose)
    own = getattr(render.format_module(Report, asked.format), "exit_code", None)
    return own(report) if own else examine.exit_code(report.findings, report.fail_on.rank, asked.strict)


def _waiting(host: LiveHost, report: Report) -> Report:
    """Return the report with what an apply that waits to be confirmed means for it."""
    if not host.glob("/var/lib/hosttune/*.json"):
        return report  # most hosts: nothing more is imported for them
    from hosttune.workflows import confirming

    said, command = confirming.waiting(host)
    if not said:
        return report
    return dataclasses.replace(report, warnings=(said, *report.warnings), mend=(command,) if report.mend else ())
