"""Neighbours: every backend on the link is an entry of one table of the whole host (net/core/neighbour.c)."""

from __future__ import annotations

from hosttune.capacity import saying
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound, Reason, Remedy, Unknown

_KEY = "net.ipv4.neigh.default.gc_thresh3"
_FEW = 128  # gc_thresh1 by default: so few are never collected


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the bound of the table; clients on the link come on top, which nothing here shows."""
    if not facts.workload.backends:
        return ()
    limit, peers = facts.integer(_KEY), facts.on_link
    hard: int | Unknown | None = None
    remedies: tuple[Remedy, ...] = ()
    if peers is None:
        hard = Unknown(Reason.UNDECIDED, "no route tells which backends are on the link")
    elif isinstance(limit, Unknown) and peers > _FEW:
        hard = limit
    elif isinstance(limit, int):
        others = max((facts.neighbours or 0) - peers, 0)
        if peers > max(limit - others, 0):
            # connections are spread evenly, and those to a backend without an entry do not come about
            hard = facts.workload.connections * max(limit - others, 0) // peers
            remedies = saying.sysctl(_KEY, others + peers, "entries")
    return (
        Bound(
            kind="neighbours",
            name="neighbour table",
            hard=hard,
            reads=f"{_KEY}, {peers or 0:,} backends on the link",
            fails="connect: EHOSTUNREACH (113) or a long wait",
            remedies=remedies,
            notes=("clients on the link are entries too",),
            log="neighbour: arp_cache: neighbor table overflow!",
            counter="/proc/net/stat/arp_cache: table_fulls",
        ),
    )
