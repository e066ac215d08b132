"""What each answer is as an exit code: 0 all is well, 1 something is not, 3 it is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hosttune import render
from hosttune.model import Report, Verdict
from hosttune.render.figures import hard_bounds, nothing_known, nothing_read, slow_bounds

if TYPE_CHECKING:
    from hosttune.model import Comparison, Diagnosis, Fleet, Node, Resolution, Sizing, Trial


def check(report: Report, format: str = "table") -> int:
    """Return 1 for a failure at or above its `fail_on`, 3 with `strict` for an unknown, else 0.

    Also 3 without `strict`, where nothing at all is known, or no limit could be read. A format
    may have codes of its own.
    """
    own = getattr(render.format_module("Report", format), "exit_code", None)
    if own is not None:
        return int(own(report))
    if nothing_known(report):
        return 3
    least = report.fail_on.rank
    grave = {finding.verdict for finding in report.findings if finding.severity.rank >= least}
    if grave & {Verdict.FAIL, Verdict.DRIFT}:
        return 1
    conclusive = any(finding.verdict.conclusive for finding in report.findings) and not nothing_read(report)
    return 3 if Verdict.UNKNOWN in grave and (report.strict or not conclusive) else 0


def node(node: Node) -> int:
    """Return 1 for a limit that fails it by its `fail_on`, 3 where nothing is known, with `strict` not all, else 0."""
    severities = [each.severity for each in node.namespaces if each.severity]
    if any(severity.rank >= node.fail_on.rank for severity in severities):
        return 1
    unknown = [each.unknown is not None for each in node.namespaces]
    return 3 if all(unknown) or (node.strict and any(unknown)) else 0


def capacity(report: Report) -> int:
    """Return 0 where the workload is carried, 1 where it is not, or only slowly, 3 where no limit could be read."""
    bounds = hard_bounds(report)
    short = bool(bounds) and bounds[0][0] < report.workload.connections
    if short or slow_bounds(report):
        return 1
    return 3 if nothing_read(report) else 0


def diagnose(diagnosis: Diagnosis) -> int:
    """Return 0 where nothing binds and no symptom was stated, 1 for a cause, 3 where the evidence is not enough."""
    from hosttune.model import Conclusion  # each of these verbs waits for its own nouns alone

    return {Conclusion.NOTHING: 0, Conclusion.NOT_ENOUGH: 3}.get(diagnosis.conclusion, 1)


def prove(trial: Trial, strict: bool) -> int:
    """Return 1 where a proof differs, 3 with `strict` where one could not be made, else 0."""
    from hosttune.model import Proven

    verdicts = {proof.verdict for proof in trial.proofs}
    return 1 if Proven.DIFFERS in verdicts else 3 if strict and Proven.COULD_NOT in verdicts else 0


def plan(sizing: Sizing, fleet: Fleet | None = None) -> int:
    """Return 0 where the target is carried and, of a fleet, every host is there and ready, else 1.

    3 where no limit of any place could be read.
    """
    ready = fleet is None or not (fleet.waiting or fleet.missing)
    if ready and sizing.unknown and not sizing.bottlenecks:
        return 3
    return 0 if ready and sizing.carried else 1


def diff(comparison: Comparison) -> int:
    """Return 1 where something that matters differs, 3 where nothing could be compared, else 0."""
    if comparison.unknown:
        return 3
    return int(any(row.matters for row in comparison.contrasts))


def resolve(resolution: Resolution) -> int:
    """Return 1 where a key is now another than a boot will make it, else 0."""
    return int(any(row.differs for row in resolution.sysctl.values()))
