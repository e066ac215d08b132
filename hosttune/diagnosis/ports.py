"""All ports towards one destination are taken: connect() finds none (net/ipv4/inet_hashtables.c)."""

from __future__ import annotations

from hosttune.diagnosis import _pools, _say
from hosttune.diagnosis._clues import Clues
from hosttune.model import BindMode, Cause, Certainty, Evidence, PortPool

RIVALS = ("ports-bind", "ports-held", "time-wait", "nofile", "conntrack")
_ID = "ports"
_WHAT = "source ports towards a destination run out"
_ERRNOS = ("EADDRNOTAVAIL",)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each full pool; without one, what errno and number say, or why it is none."""
    found = tuple(_full(clues, pool) for pool in _pools.full(clues, _ID))
    if found:
        return found
    heard, number = clues.heard(*_ERRNOS), clues.stalled_at
    if heard is False:
        return (_say.excluded(_ID, _WHAT, f"it would be EADDRNOTAVAIL, not {_errno(clues)}", "--errno"),)
    whole = _pools.pools_at(clues)
    if heard and clues.rate and _churns(clues):
        return ()  # time_wait judges it
    if whole and (heard or (number and not clues.said.errno)):
        return (_by_number(clues, *whole, sure=bool(heard)),)
    if heard or clues.hits(_ID):
        return (_by_word(clues),)
    if not clues.pools.pools:
        return (_say.unseen(_ID, _WHAT, "no connection that goes out was seen; --backend HOST:PORT names one"),)
    best = max(clues.pools.pools, key=lambda pool: pool.used / max(pool.usable, 1))
    text = f"{best.free:,} of {best.usable:,} ports are free towards {best.backend}, the fullest"
    return (_say.excluded(_ID, _WHAT, text, _pools.SOCKETS),)


def _full(clues: Clues, pool: PortPool) -> Cause:
    fails = "EADDRINUSE from bind(), or EADDRNOTAVAIL" if pool.mode is BindMode.EXPLICIT else "EADDRNOTAVAIL"
    return Cause(
        _ID,
        f"source ports from {pool.source} to {pool.backend} run out",
        Certainty.CERTAIN,
        pool.usable,
        evidence=(*_pools.taken(clues, pool), *_say.heard(clues), *_say.logged(clues, _ID)),
        log=f"{fails} from connect(); HAProxy: no free ports; nginx: (99: Cannot assign requested address)",
        fixes=_fixes(clues),
        strength=80,
    )


def _by_number(clues: Clues, pools: int, size: int, sure: bool) -> Cause:
    number = clues.stalled_at or 0
    each = f"{pools} pools of {size:,} ports" if pools > 1 else f"one pool of {size:,} ports"
    evidence = (
        Evidence(f"it stopped at {number:,}: {each} {'are' if pools > 1 else 'is'} {pools * size:,}", _pools.RANGE),
        *_say.heard(clues),
        *_say.logged(clues, _ID),
    )
    return Cause(
        _ID,
        f"source ports run out: {each}",
        Certainty.CERTAIN if sure else Certainty.LIKELY if pools == 1 else Certainty.POSSIBLE,
        pools * size,
        evidence=evidence,
        log="EADDRNOTAVAIL from connect()",
        fixes=_fixes(clues),
        confirm="" if sure else "the errno: EADDRNOTAVAIL from connect() is this, EADDRINUSE from bind() is another",
        strength=60,
    )


def _by_word(clues: Clues) -> Cause:
    size = _pools.size_of_range(clues)
    known = _pools.destinations(clues)
    number = clues.stalled_at
    evidence = (*_say.heard(clues), *_say.logged(clues, _ID))
    if size and number and number > size * max(known, 1) * 1.005 + 1 and known:
        evidence = (
            *evidence,
            Evidence(f"{number:,} is more than the {size * known:,} ports of {known} pools", _pools.RANGE),
        )
    fits = bool(size and number and known and 0.8 * size * known <= number <= size * known)
    if fits and size:
        evidence = (*evidence, Evidence(f"{number:,} of the {size * known:,} ports of {known} pools", _pools.RANGE))
    waiting = _pools.waiting(clues)
    return Cause(
        _ID,
        _WHAT,
        Certainty.LIKELY if fits or not waiting else Certainty.POSSIBLE,
        size * max(known, 1) if size and fits else None,
        evidence=evidence,
        fixes=_fixes(clues),
        confirm="`hosttune diagnose --backend HOST:PORT` while it stalls: it counts the ports of each pair",
        strength=40,
    )


def _fixes(clues: Clues) -> tuple[str, ...]:
    more = "more source addresses, each with a pool of its own (HAProxy `source`, nginx `proxy_bind`), or more backends"
    return tuple(fix for fix in (_pools.apply_line(clues), more) if fix)


def _churns(clues: Clues) -> bool:
    size = _pools.size_of_range(clues)
    return bool(size) and clues.rate > (size or 0) / _pools.TIME_WAIT and not clues.stalled_at


def _errno(clues: Clues) -> str:
    return clues.said.errno or next((hit.errno for hit in clues.said.hits if hit.errno), "")
