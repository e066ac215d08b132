"""Closed connections keep their ports for 60 s: the pool is full of TIME_WAIT (net/ipv4/tcp_ipv4.c tcp_twsk_unique)."""

from __future__ import annotations

import dataclasses

from hosttune import kernel
from hosttune.diagnosis import fixing, pool_rows, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, Seen
from hosttune.model import Cause, Certainty, Evidence, Fix, PortPool

RULE = Rule(
    __name__,
    "closed connections hold the source ports in TIME_WAIT",
    failure="EADDRNOTAVAIL",
    errnos=("EADDRNOTAVAIL", "EADDRINUSE"),
    calls=("connect", "bind"),
    unit="new connections/s",
    log="EADDRNOTAVAIL from connect(), and it comes and goes",
    confirm="`hosttune diagnose --backend HOST:PORT`, or ss -s: timewait",
    outgoing=True,
    rivals=("ports", "ports-bind", "ports-held"),
)
_SOCKSTAT = "/proc/net/sockstat"
_REUSE = "/proc/sys/net/ipv4/tcp_tw_reuse"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each pool that TIME_WAIT fills; without one, what errno, rate and sockstat say."""
    causes = tuple(_full(clues, pool) for pool in pool_rows.full(clues, RULE.kind))
    if causes:
        return causes
    listener = saying.of_listener(clues)
    if listener:
        return (RULE.excluded(listener),)
    if RULE.met(clues) is False:
        return (RULE.instead(clues),)
    hint = (RULE.met(clues) and _met(clues)) or _too_fast(clues) or _thin(clues)
    if hint:
        return (hint,)
    closed = clues.rates.value("sockstat.TCP.tw")
    if closed is None and not clues.pools.pools:
        return (RULE.unknown("neither sockstat nor the sockets were seen", "ss -s"),)
    return (RULE.excluded(_why_not(clues, closed or 0), _SOCKSTAT),)


def _met(clues: Clues) -> Cause | None:
    """Return what speaks for it where the errno was met and no pool is full now, None where nothing does."""
    pools = clues.pools.pools
    for doubtful in [p for p in pools if _doubtful(p)][:1]:
        why = Evidence("no connection shows whether the other end has TCP timestamps, without which none is", _REUSE)
        return _cause(clues, Certainty.LIKELY, (*pool_rows.taken(clues, doubtful), why), doubtful)
    for again in [p for p in pools if p.free and p.used >= p.usable and p.time_wait > p.used - p.time_wait][:1]:
        delay = Evidence("they can be taken over, but not in their first second (tcp_tw_reuse_delay)", _REUSE)
        return _cause(clues, Certainty.LIKELY, (*pool_rows.taken(clues, again), delay), again)
    if pools or not pool_rows.waiting(clues):
        return None
    closed, size = clues.rates.value("sockstat.TCP.tw") or 0, pool_rows.size_of_range(clues) or 0
    open_now = clues.rates.value("sockstat.TCP.inuse") or 0
    text = f"{closed:,} sockets in TIME_WAIT beside {open_now:,} in use, and {size:,} ports in the range"
    return _cause(clues, Certainty.LIKELY, Evidence(text, _SOCKSTAT))


def _doubtful(pool: PortPool) -> bool:
    """Say whether a pool is full of TIME_WAIT unless ports in it can be taken over, which is not known."""
    return pool.free <= pool.in_range % 2 < pool.free_most and 2 * pool.time_wait > pool.used and pool.stamps is None


def _too_fast(clues: Clues) -> Cause | None:
    """Return it where the target rate is more than the ports allow."""
    limit = pool_rows.churn(clues)
    if not limit or clues.rate <= limit or clues.stalled_at:
        return None
    held = "taken over after tcp_tw_reuse_delay" if pool_rows.reuses(clues) else "held for 60 s"
    text = f"{clues.rate:,} new connections/s, where ports that are {held} allow {limit:,}/s"
    # without an errno it is what would come, where this side closes first
    certainty = Certainty.LIKELY if RULE.met(clues) and not clues.pools.pools else Certainty.POSSIBLE
    return _cause(clues, certainty, Evidence(text, f"--rate, {pool_rows.RANGE}"))


def _thin(clues: Clues) -> Cause | None:
    """Return it as possible where the errno is all that is known."""
    seen = clues.pools.pools or clues.rates.value("sockstat.TCP.tw") is not None
    if seen or clues.stalled_at or not RULE.met(clues):
        return None
    return dataclasses.replace(_cause(clues, Certainty.POSSIBLE, ()), strength=10)


def _why_not(clues: Clues, closed: int) -> str:
    most = max(clues.pools.pools, key=lambda pool: pool.time_wait, default=None)
    if most is not None and most.time_wait:
        return f"{most.time_wait:,} in TIME_WAIT towards {most.backend}, and {most.free:,} ports still to be had"
    return f"{closed:,} sockets in TIME_WAIT, none of which uses up the ports that were seen"


def _full(clues: Clues, pool: PortPool) -> Cause:
    evidence = (*pool_rows.taken(clues, pool), *pool_rows.stopped(clues, pool))
    other = RULE.other(clues)
    return _cause(clues, Certainty.LIKELY if other else Certainty.CERTAIN, evidence, pool, other)


def _cause(
    clues: Clues, certainty: Certainty, evidence: Seen, pool: PortPool | None = None, against: Seen = ()
) -> Cause:
    reuse = clues.integer("net.ipv4.tcp_tw_reuse")
    why = "let connect() take over ports in TIME_WAIT after a second"
    sets = fixing.sysctl(clues, why, ("net.ipv4.tcp_tw_reuse", "1"))
    return RULE.cause(
        clues,
        certainty,
        evidence,
        () if against else saying.named(clues),
        saying.logged(clues, RULE.kind, "EADDRNOTAVAIL"),
        Evidence(f"net.ipv4.tcp_tw_reuse is {reuse}", _REUSE) if reuse is not None else None,
        _bare(pool),
        at=pool.usable // kernel.TIMEWAIT_LEN if pool and not pool.free else pool_rows.churn(clues),
        what=f"{RULE.what} from {pool.source} to {pool.backend}" if pool else "",
        against=against,
        words=(),
        fixes=(
            Fix("keep connections open and use them again (keep-alive, connection pooling)"),
            *(() if pool_rows.reuses(clues) else sets),
            Fix(_timestamps(pool)),
            Fix("more source addresses or backends, or a wider range"),
        ),
        strength=20 if against else 75,
    )


def _bare(pool: PortPool | None) -> Evidence | None:
    """Return that the other end has no timestamps, where that is known."""
    if pool is None or pool.stamps is not False:
        return None
    return Evidence(f"{pool.backend.address} has no TCP timestamps: no port is taken over", pool_rows.SOCKETS)


def _timestamps(pool: PortPool | None) -> str:
    if pool is not None and pool.stamps is False:
        return f"net.ipv4.tcp_timestamps=1 on {pool.backend.address}, or TCP timestamps by the settings of its system"
    return "timestamps at both ends (net.ipv4.tcp_timestamps=1): without them no port is taken over"
