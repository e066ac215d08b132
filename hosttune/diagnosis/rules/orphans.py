"""Sockets that their program has closed, and the peer has not: beyond tcp_max_orphans they are reset.

net/ipv4/tcp.c, __tcp_close() and tcp_check_oom(); net/ipv4/tcp_timer.c, tcp_out_of_resources(): orphans that time out
count double or fourfold. TCPAbortOnMemory counts those, and those of tcp_mem.
"""

from __future__ import annotations

from hosttune.diagnosis import kernel_lines, saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence, Traffic

RIVALS = ("tcp-mem", "memory", "time-wait")
_ID = "orphans"
_WHAT = "sockets that are closed but not yet gone reach tcp_max_orphans, and are reset"
_KEY = "net.ipv4.tcp_max_orphans"
_COUNT, _ABORTS = "sockstat.TCP.orphan", "TcpExt.TCPAbortOnMemory"
_WHERE = "/proc/net/sockstat"
_WORDS = ("too many orphaned sockets",)
_ERRNOS = ("ECONNRESET", "none")
_FULL = 0.95
_DOUBLE = 4
"""By how much an orphan counts at most: shifted by one, twice (tcp_out_of_resources)."""


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return whether orphans are at their limit, or memory is not what a line of the kernel can mean; else why not."""
    count, limit = _most(clues), clues.integer(_KEY)
    aborts = saying.moved(clues, _ABORTS, "/proc/net/netstat")
    spoken = kernel_lines.fresh(clues, *_WORDS)
    heard = clues.heard(*_ERRNOS)
    if count is not None and limit is not None:
        full = count >= limit * _FULL
        if full or (aborts and count * _DOUBLE >= limit and _memory_free(clues) is not False) or spoken:
            sure = bool((aborts and spoken) or (full and (aborts or spoken)))
            return (_cause(clues, Certainty.CERTAIN if sure else Certainty.LIKELY, count, limit, heard),)
    elif spoken:
        return (_cause(clues, Certainty.LIKELY, count, limit, heard),)
    if clues.hits(_ID):
        return (_by_line(clues, count, limit),)
    return (_not(clues, count, limit),)


def _most(clues: Clues) -> int | None:
    """Return the orphans, the more of the two gatherings: they are of the whole host."""
    counts = [sample.counters.get(_COUNT) for sample in (clues.rates.before, clues.rates.now)]
    return max((count for count in counts if count is not None), default=None)


def _memory_free(clues: Clues) -> bool | None:
    """Say whether TCP has less memory than its limit, so that this is not why sockets are reset; None: not seen."""
    pages, told = clues.rates.value("sockstat.TCP.mem"), clues.numbers("net.ipv4.tcp_mem")
    return None if pages is None or not told or len(told) != 3 else pages < told[1]


def _pages(clues: Clues) -> tuple[Evidence, ...]:
    pages, told = clues.rates.value("sockstat.TCP.mem"), clues.numbers("net.ipv4.tcp_mem")
    if not _memory_free(clues) or pages is None or not told:
        return ()
    return (
        Evidence(
            f"memory is not what runs out: TCP has {pages:,} pages of {told[2]:,}", f"{_WHERE} mem, net.ipv4.tcp_mem"
        ),
    )


def _cause(clues: Clues, certainty: Certainty, count: int | None, limit: int | None, heard: bool | None) -> Cause:
    certainty = Certainty.POSSIBLE if heard is False else certainty
    counted = (_count(count, limit),) if count is not None else ()
    moved = saying.moved(clues, _ABORTS, "/proc/net/netstat")
    evidence = (
        *counted,
        *((moved,) if moved else ()),
        *kernel_lines.fresh(clues, *_WORDS),
        *_states(clues),
        *_pages(clues),
        *saying.heard(clues),
        *saying.logged(clues, _ID),
    )
    return Cause(
        _ID,
        _WHAT,
        certainty,
        limit,
        "orphans",
        evidence=evidence,
        against=saying.other(clues, heard, "ECONNRESET at the peer"),
        log="kernel: TCP: too many orphaned sockets (before Linux 3.4: Out of socket memory); peers see ECONNRESET",
        fixes=(
            "find who closes with data unsent: a proxy's or broker's time-outs, and clients that do not read",
            f"sudo hosttune apply --role ROLE, for {_KEY}: each orphan may hold its data, up to tcp_wmem",
        ),
        confirm=""
        if certainty is Certainty.CERTAIN
        else "does TCPAbortOnMemory rise while orphans (/proc/net/sockstat) are near tcp_max_orphans?",
        strength=70,
    )


def _count(count: int, limit: int | None) -> Evidence:
    told = f" of {limit:,} that may be" if limit is not None else ""
    return Evidence(f"{count:,} orphans{told}", f"{_WHERE}, {_KEY}")


def _states(clues: Clues) -> tuple[Evidence, ...]:
    """Return what orphans are in: each is one of these, but not each of these is an orphan."""
    states = clues.traffic.states if isinstance(clues.traffic, Traffic) else {}
    told = [f"{states[name]:,} {name}" for name in ("FIN_WAIT1", "LAST_ACK", "CLOSING") if states.get(name)]
    return (
        (Evidence(f"sockets that wait for the peer to take the rest: {', '.join(told)}", "sock_diag"),) if told else ()
    )


def _by_line(clues: Clues, count: int | None, limit: int | None) -> Cause:
    """A line that may mean orphans or memory: which, the numbers tell."""
    named = any(word in hit.line for hit in clues.hits(_ID) for word in _WORDS)
    free = _memory_free(clues)
    if free is False and not named:
        return saying.excluded(_ID, _WHAT, "TCP's memory is over its limit, and the line means that too", _WHERE)
    few = count is not None and limit is not None and count * _DOUBLE < limit
    certainty = Certainty.POSSIBLE if few or (free is None and not named) else Certainty.LIKELY
    return _cause(clues, certainty, count, limit, None)


def _not(clues: Clues, count: int | None, limit: int | None) -> Cause:
    once = saying.once(clues, _ABORTS, "/proc/net/netstat")
    if count is None or (limit is None and (count or clues.rates.rose(_ABORTS))):
        why = clues.limits.get(_KEY) if count is not None else None
        return saying.unknown(_ID, _WHAT, f"{_KEY} could not be read: {why}" if why else "sockstat was not seen")
    evidence = (_count(count, limit), *((once,) if once else ()), *kernel_lines.old(clues, *_WORDS))
    return Cause(_ID, _WHAT, Certainty.EXCLUDED, evidence=evidence)
