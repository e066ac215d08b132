"""Closed connections keep their ports for 60 s: the pool is full of TIME_WAIT (net/ipv4/tcp_ipv4.c tcp_twsk_unique)."""

from __future__ import annotations

from hosttune.diagnosis import _pools, _say
from hosttune.diagnosis._clues import Clues
from hosttune.model import Cause, Certainty, Evidence, PortPool

RIVALS = ("ports", "ports-bind", "ports-held")
_ID = "time-wait"
_WHAT = "closed connections hold the source ports in TIME_WAIT"
_SOCKSTAT = "/proc/net/sockstat"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each pool that TIME_WAIT fills; without one, what errno, rate and sockstat say."""
    found = tuple(_full(clues, pool) for pool in _pools.full(clues, _ID))
    if found:
        return found
    heard = clues.heard("EADDRNOTAVAIL", "EADDRINUSE")
    if heard is False:
        return (_say.excluded(_ID, _WHAT, "it would be EADDRNOTAVAIL", "--errno"),)
    size, closed = _pools.size_of_range(clues), clues.rates.value("sockstat.TCP.tw")
    if heard and not clues.pools.pools and _pools.waiting(clues):
        open_now = clues.rates.value("sockstat.TCP.inuse") or 0
        text = f"{closed:,} sockets in TIME_WAIT beside {open_now:,} in use, and {size:,} ports"
        return (_cause(clues, Certainty.LIKELY, (Evidence(text, _SOCKSTAT),)),)
    if heard and size and clues.rate > size / _pools.TIME_WAIT and not clues.stalled_at:
        text = (
            f"{clues.rate:,} new connections/s, where {size:,} ports held for 60 s allow {size // _pools.TIME_WAIT:,}/s"
        )
        return (_cause(clues, Certainty.LIKELY, (Evidence(text, _pools.RANGE),)),)
    if heard and not clues.pools.pools and closed is None and not clues.stalled_at:
        return (_cause(clues, Certainty.POSSIBLE, ()),)
    if closed is None and not clues.pools.pools:
        return (_say.unseen(_ID, _WHAT, "neither sockstat nor the sockets were seen", "ss -s"),)
    return (_say.excluded(_ID, _WHAT, _why_not(clues, closed), _SOCKSTAT),)


def _why_not(clues: Clues, closed: int | None) -> str:
    most = max(clues.pools.pools, key=lambda pool: pool.time_wait, default=None)
    if most is not None and most.time_wait:
        return f"{most.time_wait:,} in TIME_WAIT towards {most.backend}, and {most.free:,} ports still free"
    return f"{closed or 0:,} sockets in TIME_WAIT, none of which fills a pool that was seen"


def _full(clues: Clues, pool: PortPool) -> Cause:
    return _cause(clues, Certainty.CERTAIN, _pools.taken(clues, pool), pool)


def _cause(clues: Clues, certainty: Certainty, evidence: tuple[Evidence, ...], pool: PortPool | None = None) -> Cause:
    size = pool.usable if pool else _pools.size_of_range(clues)
    reuse = clues.integer("net.ipv4.tcp_tw_reuse")
    told = (
        (Evidence(f"net.ipv4.tcp_tw_reuse is {reuse}", "/proc/sys/net/ipv4/tcp_tw_reuse"),) if reuse is not None else ()
    )
    where = f" towards {pool.backend}" if pool else ""
    return Cause(
        _ID,
        f"{_WHAT}{where}",
        certainty,
        size // _pools.TIME_WAIT if size else None,
        "new connections/s",
        evidence=(*evidence, *_say.heard(clues), *_say.logged(clues, _ID), *told),
        log="EADDRNOTAVAIL from connect(), and it comes and goes",
        fixes=(
            "keep connections open and use them again (keep-alive, a pool of connections)",
            "sudo hosttune apply --role client: net.ipv4.tcp_tw_reuse=1, with timestamps at both ends",
            "more source addresses or backends, or a wider range",
        ),
        confirm="" if certainty is Certainty.CERTAIN else "`hosttune diagnose --backend HOST:PORT`, or ss -s: timewait",
        strength=75,
    )
