"""Conntrack: entries of the connections that are open, and of those closed within the last minutes."""

from __future__ import annotations

from fractions import Fraction

from hosttune import kernel
from hosttune.capacity import closing
from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.saying import INT
from hosttune.model import Bound, Reason, Remedy, Unknown

_KEY = "net.netfilter.nf_conntrack_max"


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the bound of the table where this namespace tracks connections, or may."""
    tracks = facts.machine.conntrack
    if tracks is False:
        return ()
    limit = facts.integer(_KEY)
    if limit is None or (isinstance(tracks, Unknown) and not isinstance(limit, int)):
        return ()
    # a proxied connection is one on each side of the proxy
    load = facts.workload
    sides = load.sockets_per_connection
    others = max((facts.tracked or 0) - facts.carried * sides, 0)
    kept = kept_for(facts)
    hard: int | Unknown | None = limit
    if limit == 0:
        # nf_conntrack_core.c tests the maximum only where it is not zero
        hard = None
    elif isinstance(limit, int):
        free = max(limit - others, 0)
        hard = closing.most(load, free, Fraction(sides), kept)
        if tracks is not True:
            hard = Unknown(Reason.UNDECIDED, f"{hard:,} if this namespace tracks connections")
    closed = closing.kept(load, load.connections, kept, Fraction(sides))
    want = load.connections * sides + closed + others
    # the sysctl takes an int; beyond it only not to track is left
    setting = f", or nf_conntrack_max={want:,}" if want <= INT else ""
    need = Remedy(f"sysctl:{_KEY}", want, None, "entries", f"no tracking of the port{setting}")
    return (
        Bound(
            kind="conntrack",
            name="conntrack",
            hard=hard,
            used=facts.tracked // sides if facts.tracked is not None else None,
            reads=f"{_KEY} less {others:,} entries of others and {closed:,} of closed connections",
            fails="no errno: SYNs are dropped, the client stays in SYN_SENT",
            remedies=(need,) if facts.short(hard) else (),
            log="nf_conntrack: table full, dropping packet",
            counter="/proc/net/stat/nf_conntrack: drop",
        ),
    )


def kept_for(facts: CapacityFacts) -> int:
    """Return the milliseconds that the entry of a closed connection stays: the table has a TIME_WAIT of its own."""
    seconds = facts.integer("net.netfilter.nf_conntrack_tcp_timeout_time_wait")
    return (seconds if isinstance(seconds, int) else kernel.CONNTRACK_TIME_WAIT) * 1000
