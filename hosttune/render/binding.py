"""Which key explains what a report says: that of the limit that binds first."""

from __future__ import annotations

from hosttune.model import Report, Severity, Verdict
from hosttune.render.figures import hard_bounds

KEYS = {
    "accept-queue": "somaxconn",
    "conntrack": "nf_conntrack_max",
    "epoll-watches": "max_user_watches",
    "file-max": "fs.file-max",
    "forwarding": "ip_forward",
    "neighbours": "net.ipv4.neigh.default.gc_thresh3",
    "nofile": "nofile",
    "nr-open": "fs.nr_open",
    "orphans": "tcp_max_orphans",
    "ports": "ip_local_port_range",
    "syn-queue": "tcp_max_syn_backlog",
    "tcp-mem": "tcp_mem",
}
"""The key that explains each kind of bound that has one, as short as it can be."""


def key(report: Report) -> str:
    """Return the key of what binds first below the target, else of the first sysctl that fails; "" for none."""
    for number, bound in hard_bounds(report):
        if number >= report.workload.connections:
            break
        if bound.kind in KEYS:
            return KEYS[bound.kind]
    failed = (f for f in report.findings if f.verdict is Verdict.FAIL and f.subject.kind == "sysctl")
    return next((finding.subject.name for finding in failed if finding.severity is not Severity.INFO), "")
