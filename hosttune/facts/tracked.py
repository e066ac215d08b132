"""What fills the conntrack table: looked at where it is near its limit, or where entries were refused."""

from __future__ import annotations

from collections.abc import Mapping

from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Sample, Shared, Tracked, Unknown, Value


def gather(host: Host, sample: Sample, limits: Mapping[str, Value | Unknown]) -> Tracked | Unknown | None:
    """Return what a sample of the table holds; None where nothing calls for it, Unknown where it cannot be seen."""
    count, limit = sample.counters.get("conntrack.count", 0), limits.get("net.netfilter.nf_conntrack_max")
    near = isinstance(limit, int) and 0 < limit <= 2 * count
    if not near and not sample.counters.get("conntrack.insert_failed"):
        return None
    try:
        answer = host.probe("tracked")
    except HostError as error:
        return Unknown(error.reason, error.detail)
    scale = max(count / answer["seen"], 1.0) if answer["seen"] and not answer["whole"] else 1.0
    shared = tuple(
        Shared(row["address"], row["target"], row["port"], round(row["entries"] * scale))
        for row in answer["translated"]
    )
    return Tracked(answer["seen"], answer["whole"], dict(answer["states"]), shared)
