"""Sockets that their program has closed, and the peer has not: beyond tcp_max_orphans they are reset.

net/ipv4/tcp.c, __tcp_close() and tcp_check_oom(); net/ipv4/tcp_timer.c, tcp_out_of_resources(): orphans that time out
count double or fourfold. TCPAbortOnMemory counts those, and those of tcp_mem.
"""

from __future__ import annotations

from hosttune.diagnosis import fixing, kernel_lines, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Evidence, Fix

_KEY = "net.ipv4.tcp_max_orphans"
RULE = Rule(
    __name__,
    "sockets that are closed but not yet gone reach tcp_max_orphans, and are reset",
    failure="ECONNRESET at the peer",
    errnos=("ECONNRESET", "none"),
    unit="orphans",
    log="kernel: TCP: too many orphaned sockets (before Linux 3.4: Out of socket memory); peers see ECONNRESET",
    fixes=(Fix("find who closes with data unsent: a proxy's or broker's time-outs, and clients that do not read"),),
    confirm="does TCPAbortOnMemory rise while orphans (/proc/net/sockstat) are near tcp_max_orphans?",
    strength=70,
    rivals=("tcp-mem", "memory", "time-wait"),
)
_ABORTS, _NETSTAT = "TcpExt.TCPAbortOnMemory", "/proc/net/netstat"
_WHERE = "/proc/net/sockstat"
_WORDS = ("too many orphaned sockets",)
_FULL = 0.95
_DOUBLE = 4
"""By how much an orphan counts at most: shifted by one, twice (tcp_out_of_resources)."""


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return whether orphans are at their limit, or memory is not what a line of the kernel can mean; else why not."""
    count, limit = clues.most("sockstat.TCP.orphan"), clues.integer(_KEY)  # they are of the whole host
    certainty = _seen(clues, count, limit)
    if certainty:
        return (_cause(clues, certainty, count, limit),)
    if clues.hits(RULE.kind):
        return (_by_line(clues, count, limit),)
    return (_not(clues, count, limit),)


def _seen(clues: Clues, count: int | None, limit: int | None) -> Certainty | None:
    """Return how sure it is by what is counted now, and what the kernel wrote; None where neither speaks for it."""
    aborts, spoken = bool(clues.rates.rose(_ABORTS)), bool(kernel_lines.fresh(clues, *_WORDS))
    if count is None or limit is None:
        return Certainty.LIKELY if spoken else None
    full = count >= limit * _FULL
    if (full and (aborts or spoken)) or (aborts and spoken):
        return Certainty.CERTAIN
    near = aborts and count * _DOUBLE >= limit and _memory_free(clues) is not False
    return Certainty.LIKELY if full or near or spoken else None


def _memory_free(clues: Clues) -> bool | None:
    """Say whether TCP has less memory than its limit, so that this is not why sockets are reset; None: not observed."""
    pages, limits = clues.rates.value("sockstat.TCP.mem"), clues.numbers("net.ipv4.tcp_mem")
    return None if pages is None or not limits or len(limits) != 3 else pages < limits[1]


def _pages(clues: Clues) -> Evidence | None:
    pages, limits = clues.rates.value("sockstat.TCP.mem"), clues.numbers("net.ipv4.tcp_mem")
    if not _memory_free(clues) or pages is None or not limits:
        return None
    text = f"memory is not what runs out: TCP has {pages:,} pages of {limits[2]:,}"
    return Evidence(text, f"{_WHERE} mem, net.ipv4.tcp_mem")


def _cause(clues: Clues, certainty: Certainty, count: int | None, limit: int | None, doubt: bool = True) -> Cause:
    return RULE.cause(
        clues,
        RULE.doubted(clues, certainty) if doubt else certainty,
        _count(count, limit) if count is not None else None,
        saying.moved(clues, _ABORTS, _NETSTAT),
        kernel_lines.fresh(clues, *_WORDS),
        _states(clues),
        _pages(clues),
        at=limit,
        against=RULE.other(clues) if doubt else (),
        fixes=(
            *(fixing.twice(clues, _KEY, limit, "; each may hold data, up to tcp_wmem") if limit else ()),
            *RULE.fixes,
        ),
    )


def _count(count: int, limit: int | None) -> Evidence:
    most = f" of {limit:,} that may be" if limit is not None else ""
    return Evidence(f"{count:,} orphans{most}", f"{_WHERE}, {_KEY}")


def _states(clues: Clues) -> Evidence | None:
    """Return what orphans are in: each is one of these, but not each of these is an orphan."""
    names = ("FIN_WAIT1", "LAST_ACK", "CLOSING")
    counts = ", ".join(f"{clues.states[name]:,} {name}" for name in names if clues.states.get(name))
    return Evidence(f"sockets that wait for the peer to take the rest: {counts}", "sock_diag") if counts else None


def _by_line(clues: Clues, count: int | None, limit: int | None) -> Cause:
    """A line that may mean orphans or memory: which, the numbers tell."""
    named = any(word in hit.line for hit in clues.hits(RULE.kind) for word in _WORDS)
    free = _memory_free(clues)
    if free is False and not named:
        return RULE.excluded("TCP's memory is over its limit, and the line means that too", _WHERE)
    few = count is not None and limit is not None and count * _DOUBLE < limit
    certainty = Certainty.POSSIBLE if few or (free is None and not named) else Certainty.LIKELY
    return _cause(clues, certainty, count, limit, doubt=False)


def _not(clues: Clues, count: int | None, limit: int | None) -> Cause:
    if count is None or (limit is None and (count or clues.rates.rose(_ABORTS))):
        why = clues.limits.get(_KEY) if count is not None else None
        return RULE.unknown(f"{_KEY} could not be read: {why}" if why else "sockstat was not seen")
    once = saying.once(clues, _ABORTS, _NETSTAT)
    return RULE.excluded(_count(count, limit), "", once, kernel_lines.old(clues, *_WORDS))
