"""The report as metrics for Prometheus, and for the textfile collector of node_exporter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from hosttune.model import BindMode, Bound, Finding, Report, Unknown, Verdict
from hosttune.printable import cleaned
from hosttune.render import folding
from hosttune.render.exposition import Family, Sample, pools, run, text
from hosttune.render.page import MOST, PLAIN, Page

VERB = "check"
"""What samples that a watch has too are labelled with."""
_STATES = ("ok", "drift", "failed", "unknown")


def render(report: Report, page: Page = PLAIN) -> str:
    """Return the exposition."""
    shown = cleaned(folding.few(report))
    bounds = [*_bounds(shown), _stand_for(report, shown)]
    return text([*run(VERB, True, report.taken), *_findings(shown), *bounds, *_pools(shown)])


def failed(message: str, taken: float | None = None) -> str:
    """Return the exposition of a run in which nothing could be examined: no status, and surely no "ok".

    `taken` is when that was tried, in seconds since 1970; the message is no metric.
    """
    return text(run(VERB, False, taken))


def _findings(report: Report) -> Iterator[Family]:
    load = report.workload
    yield Family("wanted_connections", "Target number of connections.", [({}, load.connections)])
    yield Family("wanted_connections_per_second", "Target number of new connections per second.", [({}, load.rate)])
    yield Family(
        "check_status",
        "State of the check of a role: the one that is 1. failed and drift count at and above --fail-on.",
        [sample for role in report.roles for sample in _status(report, role)],
    )
    counted = Counter((f.verdict, f.severity) for f in report.findings)
    yield Family(
        "check_findings",
        "Findings of the check, by verdict and severity.",
        [({"verdict": v.value.lower(), "severity": s.value}, n) for (v, s), n in sorted(counted.items())],
    )
    wrong = [f for f in report.findings if f.verdict in (Verdict.FAIL, Verdict.DRIFT, Verdict.UNKNOWN)]
    yield Family("check_finding", "A finding that failed, drifted or is unknown; always 1.", [*map(_sample, wrong)])


def _sample(finding: Finding) -> Sample:
    labels = {"finding": finding.id, "subject": str(finding.subject), "verdict": finding.verdict.value.lower()}
    return {**labels, "severity": finding.severity.value}, 1


def _status(report: Report, role: str) -> Iterator[Sample]:
    state = _state(report, role)
    for name in _STATES:
        yield {"role": role, "hosttune_check_status": name}, int(name == state)


def _state(report: Report, role: str) -> str:
    """Return the state of a role; lints are findings of every role."""
    own = [f for f in report.findings if f.requirement is None or role in f.requirement.roles]
    counted = {f.verdict for f in own if f.severity.rank >= report.fail_on.rank}
    if Verdict.FAIL in counted:
        return "failed"
    if Verdict.DRIFT in counted:
        return "drift"
    conclusive = any(f.verdict.conclusive for f in own)
    return "unknown" if not conclusive or (report.strict and Verdict.UNKNOWN in counted) else "ok"


_NUMBERS: tuple[tuple[str, str, bool, Callable[[Bound], object]], ...] = (
    ("capacity_connections", "Connections at which this limit stops the host.", True, lambda bound: bound.hard),
    ("capacity_knee_connections", "Connections above which this limit slows the host.", True, lambda bound: bound.knee),
    ("capacity_used_connections", "Connections that count towards this limit now.", True, lambda bound: bound.used),
    (
        "capacity_connections_per_second",
        "New connections per second that this limit allows.",
        False,
        lambda bound: bound.hard,
    ),
)
"""The families of bounds: name, help, whether they are of bounds in connections (or else in those a second), value."""


def _bounds(report: Report) -> Iterator[Family]:
    for name, help, each, number in _NUMBERS:
        bounds = [bound for bound in report.bounds if (bound.unit == "connections") is each]
        samples = [({"bound": bound.id}, value) for bound in bounds if isinstance(value := number(bound), int)]
        yield Family(name, help, samples)
    yield Family(
        "capacity_unknown",
        "A limit that is unknown, and why; always 1.",
        [({"bound": b.id, "reason": b.hard.reason.value}, 1) for b in report.bounds if isinstance(b.hard, Unknown)],
    )


def _stand_for(report: Report, shown: Report) -> Family:
    """Return how many limits have no samples of their own, so that nobody takes a few for all."""
    kept = {bound.id for bound in shown.bounds}
    missing = Counter((b.kind, b.scope.value) for b in report.bounds if b.id not in kept)
    return Family(
        "capacity_folded",
        f"Limits of a kind without samples of their own: of more than {MOST} the narrowest is shown.",
        [({"kind": kind, "scope": scope}, count) for (kind, scope), count in sorted(missing.items())],
    )


def _pools(report: Report) -> list[Family]:
    rows: dict[tuple[str, str, str], tuple[int, int | None, int]] = {}
    for pool in report.pools:
        # bind() takes a port whatever the destination
        goal = "any" if pool.mode is BindMode.BIND else str(pool.backend)
        rows.setdefault((pool.source, goal, pool.mode.value), (pool.usable, pool.knee, pool.usable - pool.free))
    return pools(VERB, ((*key, *numbers) for key, numbers in rows.items()))
