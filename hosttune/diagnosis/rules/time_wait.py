"""Closed connections keep their ports for 60 s: the pool is full of TIME_WAIT (net/ipv4/tcp_ipv4.c tcp_twsk_unique)."""

from __future__ import annotations

from hosttune.diagnosis import pool_rows, saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence, PortPool

RIVALS = ("ports", "ports-bind", "ports-held")
_ID = "time-wait"
_WHAT = "closed connections hold the source ports in TIME_WAIT"
_SOCKSTAT = "/proc/net/sockstat"
_REUSE = "/proc/sys/net/ipv4/tcp_tw_reuse"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each pool that TIME_WAIT fills; without one, what errno, rate and sockstat say."""
    heard = clues.heard("EADDRNOTAVAIL", "EADDRINUSE", calls=("connect", "bind"))
    found = tuple(_full(clues, pool, heard) for pool in pool_rows.full(clues, _ID))
    if found:
        return found
    if heard is False:
        return (saying.excluded(_ID, _WHAT, saying.instead(clues, "EADDRNOTAVAIL"), saying.met_where(clues)),)
    thin = _hint(clues, bool(heard))
    if thin:
        return (thin,)
    closed = clues.rates.value("sockstat.TCP.tw")
    if closed is None and not clues.pools.pools:
        return (saying.unknown(_ID, _WHAT, "neither sockstat nor the sockets were seen", "ss -s"),)
    return (saying.excluded(_ID, _WHAT, _why_not(clues, closed or 0), _SOCKSTAT),)


def _hint(clues: Clues, heard: bool) -> Cause | None:
    """Return what speaks for it where no pool is full now, None where nothing does."""
    again = [p for p in clues.pools.pools if p.free and p.used >= p.usable and p.time_wait > p.used - p.time_wait]
    if heard and again:
        told = "they can be taken over, but not in their first second (tcp_tw_reuse_delay)"
        evidence = (*pool_rows.taken(clues, again[0]), Evidence(told, _REUSE))
        return _cause(clues, Certainty.LIKELY, evidence, again[0])
    closed, size = clues.rates.value("sockstat.TCP.tw"), pool_rows.size_of_range(clues)
    if heard and not clues.pools.pools and pool_rows.waiting(clues):
        open_now = clues.rates.value("sockstat.TCP.inuse") or 0
        text = f"{closed or 0:,} sockets in TIME_WAIT beside {open_now:,} in use, and {size or 0:,} ports in the range"
        return _cause(clues, Certainty.LIKELY, (Evidence(text, _SOCKSTAT),))
    limit = pool_rows.churn(clues)
    if limit and clues.rate > limit and not clues.stalled_at:
        held = "taken over after tcp_tw_reuse_delay" if pool_rows.reuses(clues) else "held for 60 s"
        text = f"{clues.rate:,} new connections/s, where ports that are {held} allow {limit:,}/s"
        # without an errno it is what would come, where this side closes first
        certainty = Certainty.LIKELY if heard and not clues.pools.pools else Certainty.POSSIBLE
        return _cause(clues, certainty, (Evidence(text, f"--rate, {pool_rows.RANGE}"),))
    if heard and not clues.pools.pools and closed is None and not clues.stalled_at:
        return _cause(clues, Certainty.POSSIBLE, ())
    return None


def _why_not(clues: Clues, closed: int) -> str:
    most = max(clues.pools.pools, key=lambda pool: pool.time_wait, default=None)
    if most is not None and most.time_wait:
        return f"{most.time_wait:,} in TIME_WAIT towards {most.backend}, and {most.free:,} ports still to be had"
    return f"{closed:,} sockets in TIME_WAIT, none of which fills a pool that was seen"


def _full(clues: Clues, pool: PortPool, heard: bool | None) -> Cause:
    evidence = (*pool_rows.taken(clues, pool), *pool_rows.stopped(clues, pool))
    other = saying.other(clues, heard, "EADDRNOTAVAIL")
    return _cause(clues, Certainty.LIKELY if other else Certainty.CERTAIN, evidence, pool, other)


def _cause(
    clues: Clues,
    certainty: Certainty,
    evidence: tuple[Evidence, ...],
    pool: PortPool | None = None,
    against: tuple[Evidence, ...] = (),
) -> Cause:
    reuse = clues.integer("net.ipv4.tcp_tw_reuse")
    told = (Evidence(f"net.ipv4.tcp_tw_reuse is {reuse}", _REUSE),) if reuse is not None else ()
    where = f" from {pool.source} to {pool.backend}" if pool else ""
    said = () if against else saying.heard(clues)
    return Cause(
        _ID,
        f"{_WHAT}{where}",
        certainty,
        pool.usable // pool_rows.TIME_WAIT if pool and not pool.free else pool_rows.churn(clues),
        "new connections/s",
        evidence=(*evidence, *said, *saying.logged(clues, _ID, "EADDRNOTAVAIL"), *told),
        against=against,
        log="EADDRNOTAVAIL from connect(), and it comes and goes",
        fixes=(
            "keep connections open and use them again (keep-alive, a pool of connections)",
            *(
                (f"{pool_rows.apply_client(clues)}: it sets net.ipv4.tcp_tw_reuse=1",)
                if not pool_rows.reuses(clues)
                else ()
            ),
            "timestamps at both ends (net.ipv4.tcp_timestamps=1): without them no port is taken over",
            "more source addresses or backends, or a wider range",
        ),
        confirm="" if certainty is Certainty.CERTAIN else "`hosttune diagnose --backend HOST:PORT`, or ss -s: timewait",
        strength=20 if against else 75,
    )
