"""Sockets in TIME_WAIT are as many as may be: what closes beyond that keeps none, and no call fails.

net/ipv4/inet_timewait_sock.c, inet_twsk_alloc(); net/ipv4/tcp_minisocks.c, tcp_time_wait(): it counts
TCPTimeWaitOverflow and closes the socket at once, one in FIN_WAIT2 too, whose peer may still send.
"""

from __future__ import annotations

import math

from hosttune import kernel
from hosttune.diagnosis import fixing, kernel_lines, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Evidence, Fix, Use

RULE = Rule(
    __name__,
    "TIME_WAIT is cut short",
    failure="no errno here, at most ECONNRESET at the far end",
    errnos=("ECONNRESET", "none"),
    gives={"send": ("ECONNRESET",), "recv": ("ECONNRESET",), "": ("none",)},
    unit="sockets (net.ipv4.tcp_max_tw_buckets)",
    log="nothing; older kernels: TCP: time wait bucket table overflow",
    confirm="`nstat -az TcpExtTCPTimeWaitOverflow` twice, and tw of /proc/net/sockstat: is it at the limit?",
    strength=5,
    rivals=("time-wait", "ports"),
)
_KEY, _OVERFLOW, _TW = "net.ipv4.tcp_max_tw_buckets", "TcpExt.TCPTimeWaitOverflow", "sockstat.TCP.tw"
_NETSTAT, _SOCKSTAT = "/proc/net/netstat", "/proc/net/sockstat"
_WORDS = ("ucket table overflow",)
_FULL = 0.99
"""Of the limit: while connections close, those whose time is over make room for as many others."""

_RISK = Evidence(
    "it stalls nothing by itself: a peer that still sends is reset, and a late segment may reach a new connection of "
    "the same ports"
)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return that TIME_WAIT is cut short now, or will be with the next that closes; else how far it is from that."""
    lines = kernel_lines.fresh(clues, *_WORDS)
    use = _use(clues)
    if clues.rates.rose(_OVERFLOW) or lines or clues.hits(RULE.kind):
        return (_cut(clues, use, lines),)
    if use is None:
        return (RULE.unknown("neither sockstat nor net.ipv4.tcp_max_tw_buckets was seen", RULE.confirm),)
    if use.used < _FULL * _most(use):
        once = saying.once(clues, _OVERFLOW, _NETSTAT)
        return (RULE.excluded(f"{use.used:,} sockets in TIME_WAIT, of {_most(use):,} that may be", _SOCKSTAT, once),)
    return (_at_limit(clues, use),)


def _use(clues: Clues) -> Use | None:
    return next((use for use in clues.uses if use.kind == "time-wait" and isinstance(use.limit, int)), None)


def _most(use: Use) -> int:
    return use.limit if isinstance(use.limit, int) else 0


def _full(use: Use | None) -> Evidence | None:
    if use is None:
        return None
    return Evidence(f"{use.used:,} sockets are in TIME_WAIT, of {_most(use):,} that may be", f"{_SOCKSTAT}, {_KEY}")


def _cut(clues: Clues, use: Use | None, lines: tuple[Evidence, ...]) -> Cause:
    """It is counted now, or said by the kernel: certain, as long as nothing else was asked for."""
    return _cause(clues, Certainty.CERTAIN, saying.moved(clues, _OVERFLOW, _NETSTAT), *lines, _full(use), use=use)


def _at_limit(clues: Clues, use: Use) -> Cause:
    """It is at its limit now: whether any was cut short is of the past, or not counted."""
    before = clues.rates.value(_OVERFLOW)
    stands = Evidence(f"{_OVERFLOW} stands at {before:,}", _NETSTAT) if before else None
    certainty = Certainty.POSSIBLE if before == 0 else Certainty.LIKELY
    return _cause(clues, certainty, _full(use), stands, use=use)


def _cause(clues: Clues, certainty: Certainty, *evidence: Evidence | None, use: Use | None) -> Cause:
    """Return it as possible where a stall was reported: closing early is none."""
    against = Evidence("no call fails because of it, and no connection waits", _NETSTAT)
    asked = _asked(clues)
    if clues.met("ECONNRESET") and certainty is Certainty.CERTAIN:
        certainty = Certainty.LIKELY  # a reset has other reasons too
    return RULE.cause(
        clues,
        Certainty.POSSIBLE if asked else certainty,
        *evidence,
        _RISK,
        at=_most(use) if use else None,
        against=(*RULE.other(clues), against) if asked else (),
        fixes=_fixes(clues, use),
    )


def _asked(clues: Clues) -> bool:
    """Say whether somebody reported what this does not explain."""
    symptom = clues.symptom
    others = [hit for hit in symptom.hits if RULE.kind not in hit.causes]
    return bool(symptom.errno not in ("", "ECONNRESET") or symptom.call or symptom.stalled_at or others)


def _fixes(clues: Clues, use: Use | None) -> tuple[Fix, ...]:
    """Return how many it takes: what was cut short in a second stays for a minute more."""
    most, seconds = _most(use) if use else 0, clues.rates.seconds
    raised: tuple[Fix, ...] = ()
    if most and clues.rates.rose(_OVERFLOW) and seconds:
        more = math.ceil(clues.rates.rose(_OVERFLOW) / seconds * kernel.TIMEWAIT_LEN)
        why = f"room for the {more:,} more that close in a minute, as it goes now: 256 bytes each"
        raised = fixing.sysctl(clues, why, (_KEY, str(most + more)))
    elif most:
        raised = fixing.twice(clues, _KEY, most, ", 256 bytes each")
    return (
        *raised,
        Fix(
            "or leave it to the kernel: its default grows with memory (65,536 at 16 GiB, 262,144 from 33 GiB); "
            "`hosttune check -v` names the file that sets it lower"
        ),
        Fix("connections that stay open and are used again; or let the clients close first: then TIME_WAIT is theirs"),
    )
