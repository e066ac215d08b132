"""bind() takes a port before connect() names the destination: one pool a source address, whatever it connects to.

net/ipv4/inet_connection_sock.c, inet_csk_find_open_port(); ip(7), IP_BIND_ADDRESS_NO_PORT.
"""

from __future__ import annotations

from hosttune.diagnosis import _pools, _say
from hosttune.diagnosis._clues import Clues
from hosttune.model import BindMode, Cause, Certainty, Evidence, PortPool

RIVALS = ("ports", "ports-held", "time-wait", "nofile")
_ID = "ports-bind"
_WHAT = "the ports of a source address run out, whatever the destination: it binds before it connects"
_FIX = (
    "do not bind, or set IP_BIND_ADDRESS_NO_PORT before bind(): then each destination has a pool of its own",
    "more source addresses: each has a pool of its own",
)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each source whose pool is full; without one, what errno and number say."""
    found = {pool.source: pool for pool in _pools.full(clues, _ID)}
    if found:
        return tuple(_full(clues, pool) for pool in found.values())
    heard = clues.heard("EADDRINUSE", calls=("bind", "connect"))
    if heard is False:
        return (_say.excluded(_ID, _WHAT, "it would be EADDRINUSE from bind()", "--errno"),)
    size, number = _pools.size_of_range(clues), clues.stalled_at
    if heard:
        return (_by_word(clues, size, number),)
    if _one_for_all(clues, size, number):
        return (_for_all(clues, size or 0, number or 0),)
    bound = [pool for pool in clues.pools.pools if pool.mode is BindMode.BIND]
    if bound:
        best = min(bound, key=lambda pool: pool.free)
        return (_say.excluded(_ID, _WHAT, f"{best.free:,} of {best.usable:,} ports are free on {best.source}"),)
    told = next((why for why in clues.pools.told.values() if why), "")
    return (_say.excluded(_ID, _WHAT, told or "no program was seen that binds first", _pools.SOCKETS),)


def _full(clues: Clues, pool: PortPool) -> Cause:
    return Cause(
        _ID,
        f"the ports of {pool.source} run out, whatever the destination: bind() chooses them",
        Certainty.CERTAIN,
        pool.usable,
        evidence=(*_pools.taken(clues, pool), *_say.heard(clues), *_say.logged(clues, _ID)),
        log="EADDRINUSE from bind()",
        fixes=(*_FIX, *filter(None, [_pools.apply_line(clues)])),
        strength=80,
    )


def _one_for_all(clues: Clues, size: int | None, number: int | None) -> bool:
    """Say whether it stopped at one pool although it goes to several destinations."""
    return bool(size) and _pools.destinations(clues) > 1 and _say.near(number, size or 0)


def _for_all(clues: Clues, size: int, number: int) -> Cause:
    pairs = _pools.destinations(clues)
    text = (
        f"it stopped at {number:,}, one pool of {size:,} ports, where {pairs} destinations would have {pairs * size:,}"
    )
    return Cause(
        _ID,
        _WHAT,
        Certainty.LIKELY,
        size,
        evidence=(Evidence(text, _pools.RANGE), *_say.heard(clues)),
        log="EADDRINUSE from bind()",
        fixes=_FIX,
        confirm="strace -f -e trace=bind,connect -p PID: EADDRINUSE from bind() confirms it",
        strength=70,
    )


def _by_word(clues: Clues, size: int | None, number: int | None) -> Cause:
    evidence = (*_say.heard(clues), *_say.logged(clues, _ID))
    fits = bool(size) and _say.near(number, size or 0)
    if fits:
        evidence = (*evidence, Evidence(f"it stopped at {number:,}: one pool of {size:,} ports", _pools.RANGE))
    called = clues.said.call == "bind" or any(hit.call == "bind" for hit in clues.said.hits)
    certainty = Certainty.CERTAIN if fits else Certainty.LIKELY if called else Certainty.POSSIBLE
    return Cause(
        _ID,
        _WHAT,
        certainty,
        size if fits else None,
        evidence=evidence,
        log="EADDRINUSE from bind()",
        fixes=_FIX,
        confirm="" if fits else "is it a client's bind(), or a server whose port is taken? --stalled-at N tells",
        strength=60,
    )
