"""The main job: compare this host with its role, count what it carries, print it."""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass

from hosttune.commands import _examine, _load, _open
from hosttune.errors import UsageError
from hosttune.model import Report, Severity, Verdict


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune check`, as given; `aim` are those that `apply` has too."""

    aim: _load.Aim
    netns: str
    root: str
    snapshot: str
    format: str
    fail_on: str
    strict: bool
    verbose: bool


def run(asked: Asked) -> int:
    """Print the report and return the exit code."""
    _open.check_format(asked.format)
    if asked.fail_on not in list(Severity):
        raise UsageError(f"--fail-on {asked.fail_on}: unknown; choose {', '.join(Severity)}")
    missing = _open.enter(asked.aim.pid, asked.snapshot, asked.root, asked.netns)
    host = _open.open_host(asked.root, asked.snapshot, asked.netns)
    loaded = _load.load(host, asked.aim)
    report = _examine.examine(host, loaded.profiles, loaded.workload, loaded.programs, _load.command(), missing)
    report = dataclasses.replace(report, warnings=loaded.notes + report.warnings, mend=_mend(asked, report))
    _open.print_report(report, asked.format, asked.verbose)
    return _examine.exit_code(report.findings, Severity(asked.fail_on).rank, asked.strict)


def _mend(asked: Asked, report: Report) -> str:
    """Return the command that mends what does not hold; "" where it holds, or the host is a recording."""
    wrong = any(f.requirement and f.verdict in (Verdict.FAIL, Verdict.DRIFT) for f in report.findings)
    if not wrong or asked.snapshot or asked.netns:
        return ""
    root = [] if asked.root == "/" else ["--root", asked.root]
    return shlex.join(["sudo", "hosttune", "apply", *_load.words(asked.aim), *root])
