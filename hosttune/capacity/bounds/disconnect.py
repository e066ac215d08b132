"""Orphans: sockets that are closed by their program and not yet gone, when many end at once (net/ipv4/tcp.c)."""

from __future__ import annotations

import math
from fractions import Fraction

from hosttune.capacity import saying
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound, Remedy, Unknown

_KEY = "net.ipv4.tcp_max_orphans"


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the bound of a mass disconnect: it resets connections that end, it refuses no new one."""
    share = Fraction(str(facts.workload.disconnect))
    if not share or facts.workload.forwards:
        return ()
    most = facts.integer(_KEY)
    knee = int(most / share) if isinstance(most, int) else None
    want = math.ceil(facts.workload.connections * share)
    remedies: tuple[Remedy, ...] = ()
    if knee is not None and knee < facts.workload.connections:
        remedies = saying.sysctl(_KEY, want, "sockets")
    notes = [f"{want:,} of the connections may end at once with data unsent"]
    if isinstance(most, Unknown):
        notes.append(f"tcp_max_orphans: {most}")
    return (
        Bound(
            kind="orphans",
            name="orphans of a mass disconnect",
            knee=knee,
            reads=_KEY,
            fails="the peer meets ECONNRESET (104), and what was not sent yet is lost",
            remedies=remedies,
            notes=tuple(notes),
            log="TCP: too many orphaned sockets",
            counter="/proc/net/netstat TcpExt: TCPAbortOnMemory; /proc/net/sockstat: orphan",
        ),
    )
