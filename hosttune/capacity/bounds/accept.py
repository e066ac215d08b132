"""The queues of a listener: what a burst of new connections finds while accept() pauses (net/ipv4/tcp_input.c)."""

from __future__ import annotations

import math
from fractions import Fraction

from hosttune.capacity import saying
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound, Remedy, Scope, Unknown

_SOMAXCONN = "net.core.somaxconn"
_SYN = "net.ipv4.tcp_max_syn_backlog"
_RATE = "connections/s"


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the bounds of the accept queue and the SYN queue, for a role that accepts connections."""
    load = facts.workload
    if load.sockets_per_connection <= load.tuples_per_connection or not load.stall:
        return ()
    return (_accept(facts), _syn(facts))


def _burst(facts: CapacityFacts) -> int:
    """Return how many arrive while accept() pauses."""
    return math.ceil(facts.workload.rate * Fraction(str(facts.workload.stall)))


def _rate(facts: CapacityFacts, held: int) -> int:
    return int(held / Fraction(str(facts.workload.stall)))


def _asked(facts: CapacityFacts) -> tuple[int, str]:
    """Return the backlog of the program and where it is from; 0 where it is not known, or ends at somaxconn.

    What a running one has at its listeners is what listen() made of it; one that is as long as somaxconn may allow
    may have been meant to be longer.
    """
    ceiling, process = facts.integer(_SOMAXCONN), facts.process
    if facts.workload.backlog:
        return facts.workload.backlog, ""
    if process and process.backlogs:
        least = min(process.backlogs)
        return (least, f" of process {process.pid}") if least != ceiling else (0, "")
    known = facts.known.traits.backlog
    return (known.value, f" of {facts.known.name} ({known.source})") if known.value else (0, "")


def _backlog(facts: CapacityFacts) -> int | Unknown | None:
    """Return what listen() makes of the program's backlog (net/ipv4/af_inet.c, fixed at that call)."""
    ceiling, (asked, _) = facts.integer(_SOMAXCONN), _asked(facts)
    return min(ceiling, asked) if isinstance(ceiling, int) and asked else ceiling


def _accept(facts: CapacityFacts) -> Bound:
    backlog = _backlog(facts)
    # the test is "longer than": the queue holds one more (include/net/sock.h sk_acceptq_is_full)
    hard = _rate(facts, backlog + 1) if isinstance(backlog, int) else backlog
    cookies = facts.integer("net.ipv4.tcp_syncookies")
    if cookies == 0:
        fails = "no errno: SYNs are dropped and tried again after 1 s"
    else:
        fails = "no errno: with SYN cookies clients are connected that the server never had"
    asked, whose = _asked(facts)
    known = bool(asked or (facts.process and facts.process.backlogs))
    notes = [f"a burst of {_burst(facts):,} while accept() pauses for {facts.workload.stall:g} s"]
    if not known:
        notes.append("the program's own backlog is not known: a smaller one holds fewer")
    return Bound(
        kind="accept-queue",
        scope=Scope.LISTENER,
        name="accept queue",
        hard=hard,
        reads=f"{_SOMAXCONN}" + (f", a backlog of {asked:,}{whose}" if asked else ""),
        fails=fails,
        remedies=_longer(facts) if isinstance(hard, int) and hard < facts.workload.rate else (),
        notes=tuple(notes),
        log="TCP: request_sock_TCP: Possible SYN flooding" if cookies else "",
        counter="/proc/net/netstat TcpExt: ListenOverflows, ListenDrops, SyncookiesRecv",
        unit=_RATE,
    )


def _longer(facts: CapacityFacts) -> tuple[Remedy, ...]:
    want = _burst(facts) - 1
    ceiling, (asked, _) = facts.integer(_SOMAXCONN), _asked(facts)
    remedies: list[Remedy] = []
    if isinstance(ceiling, int) and ceiling < want:
        remedies.extend(saying.sysctl(_SOMAXCONN, want, "connections"))
    if asked and asked < want:
        remedies.append(Remedy("listen:backlog", want, None, "connections", f"a backlog of {want:,} in the program"))
    return tuple(remedies)


def _syn(facts: CapacityFacts) -> Bound:
    """Half-open connections are refused only without cookies; a burst is all of them at once."""
    backlog, most = _backlog(facts), facts.integer(_SYN)
    cookies = facts.integer("net.ipv4.tcp_syncookies")
    hard: int | Unknown | None = None
    remedies: tuple[Remedy, ...] = ()
    notes = ["with SYN cookies a full queue answers with cookies and refuses nobody"]
    if cookies == 0:
        hard = next((v for v in (backlog, most) if isinstance(v, Unknown)), None)
        notes = [f"a burst of {_burst(facts):,} half-open connections; SYN cookies are off"]
    if cookies == 0 and isinstance(backlog, int) and isinstance(most, int):
        hard = _rate(facts, min(backlog + 1, _half_open(most)))
        if hard < facts.workload.rate:
            remedies = (*_longer(facts), *_more_half_open(facts, most))
    return Bound(
        kind="syn-queue",
        scope=Scope.LISTENER,
        name="SYN queue",
        hard=hard,
        reads=f"{_SOMAXCONN}, {_SYN}, net.ipv4.tcp_syncookies",
        fails="no errno: SYNs are dropped and tried again after 1 s",
        remedies=remedies,
        notes=tuple(notes),
        counter="/proc/net/netstat TcpExt: TCPReqQFullDrop, ListenDrops",
        unit=_RATE,
    )


def _half_open(most: int) -> int:
    """Return how many half-open ones a listener holds without cookies: the last quarter is for peers known as alive."""
    return most - most // 4 + 1


def _more_half_open(facts: CapacityFacts, most: int) -> tuple[Remedy, ...]:
    burst = _burst(facts)
    if _half_open(most) >= burst:
        return ()
    want = max((burst - 1) * 4 // 3 - 2, 0)
    while want <= saying.INT and _half_open(want) < burst:
        want += 1
    return saying.sysctl(_SYN, want, "connections")
