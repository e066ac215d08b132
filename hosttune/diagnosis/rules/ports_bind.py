"""bind() takes a port before connect() names the destination: one pool a source address, whatever it connects to.

net/ipv4/inet_connection_sock.c, inet_csk_find_open_port(); ip(7), IP_BIND_ADDRESS_NO_PORT.
"""

from __future__ import annotations

from hosttune.diagnosis import pool_rows, saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import BindMode, Cause, Certainty, Evidence, PortPool

RIVALS = ("ports", "ports-held", "time-wait", "nofile")
_ID = "ports-bind"
_WHAT = "the ports of a source address run out, whatever the destination: the program binds before it connects"
_LOG = "EADDRINUSE from bind()"
_FIX = (
    "do not bind, or set IP_BIND_ADDRESS_NO_PORT before bind(): then each destination has a pool of its own",
    "more source addresses: each has a pool of its own",
)
_MOST = 16  # source addresses: beyond so many, nearly every number is a multiple of one pool


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each source whose pool is full; without one, what errno and number say."""
    heard = clues.heard("EADDRINUSE", calls=("bind", "connect"))
    found = tuple(_full(clues, pool, heard) for pool in pool_rows.full(clues, _ID))
    if found:
        return found
    if heard is False:
        return (saying.excluded(_ID, _WHAT, saying.instead(clues, "EADDRINUSE from bind()"), saying.met_where(clues)),)
    pools = [pool for pool in clues.pools.pools if pool.mode is BindMode.BIND]
    shown = _shown(clues)
    size = pool_rows.size_of_range(clues)
    if heard:
        return (_by_word(clues, size),)
    if size and _one_for_all(clues, size) and (pools or not shown):
        return (_for_all(clues, size),)
    if pools:
        text = f"{pool_rows.room(pool_rows.fullest(pools))}, whatever the backend"
        return (saying.excluded(_ID, _WHAT, text, pool_rows.SOCKETS),)
    if shown:
        return (saying.excluded(_ID, _WHAT, f"no program binds first: {shown}", pool_rows.SOCKETS),)
    if not clues.pools.pools:
        return (saying.unknown(_ID, _WHAT, pool_rows.not_seen(clues)),)
    return (saying.excluded(_ID, _WHAT, pool_rows.elsewhere(clues, clues.pools.pools), pool_rows.SOCKETS),)


def _full(clues: Clues, pool: PortPool, heard: bool | None) -> Cause:
    other = saying.other(clues, heard, "EADDRINUSE from bind()")
    used, waiting = pool_rows.counts(clues, pool)
    shared = [p.backend for p in clues.pools.pools if p.source == pool.source and p.mode is BindMode.BIND]
    where = f"{used:,} connections from {pool.source} to {len(shared)} backends, {waiting:,} of them in TIME_WAIT"
    return Cause(
        _ID,
        f"the ports of {pool.source} run out, whatever the destination: bind() chooses them",
        Certainty.LIKELY if other else Certainty.CERTAIN,
        pool.usable,
        evidence=(
            *((Evidence(where, pool_rows.SOCKETS),) if len(shared) > 1 else ()),
            *pool_rows.taken(clues, pool),
            *pool_rows.stopped(clues, pool),
            *(() if other else saying.heard(clues)),
            *saying.logged(clues, _ID, "EADDRINUSE"),
        ),
        against=other,
        log=_LOG,
        fixes=(*_FIX, *filter(None, [pool_rows.apply_line(clues)])),
        strength=20 if other else 80,
    )


def _one_for_all(clues: Clues, size: int) -> bool:
    """Say whether it stopped at the ports of its sources although it goes to several destinations."""
    sources = _sources(clues)
    pairs = pool_rows.destinations(clues)
    return pairs > max(sources, 1) and saying.near(clues.stalled_at, size * max(sources, 1))


def _shown(clues: Clues) -> str:
    """Return what tells that no program binds first, "" where one does, or nothing tells it."""
    if any(pool.mode is BindMode.BIND for pool in clues.pools.pools):
        return ""
    return next((why for pair, why in clues.pools.told.items() if pair not in clues.pools.unsure), "")


def _sources(clues: Clues) -> int:
    """Return how many source addresses were found or named, 0 where neither is known."""
    found = {pool.source for pool in clues.pools.pools}
    return len(found) or len([source for source in clues.sources if source != "all"])


def _for_all(clues: Clues, size: int) -> Cause:
    pairs, many = pool_rows.destinations(clues), max(_sources(clues), 1)
    text = (
        f"it stopped at {clues.stalled_at:,}, the {size * many:,} ports of its source, where {pairs} destinations "
        f"have {pairs * size:,}"
    )
    return Cause(
        _ID,
        _WHAT,
        Certainty.LIKELY,
        size * many,
        evidence=(Evidence(text, pool_rows.RANGE), *saying.heard(clues)),
        log=_LOG,
        fixes=_FIX,
        confirm="strace -f -e trace=bind,connect -p PID: EADDRINUSE from bind() confirms it",
        strength=70,
    )


def _by_word(clues: Clues, size: int | None) -> Cause:
    """EADDRINUSE is also what a server meets whose own port is taken: a number tells that it is not that."""
    evidence = [*saying.heard(clues), *saying.logged(clues, _ID, "EADDRINUSE")]
    against = []
    number, known = clues.stalled_at or 0, _sources(clues)
    at, certainty = None, Certainty.POSSIBLE
    for many in (known,) if known else range(1, _MOST + 1):
        if size and saying.near(number, size * many, 0.06 if known else 0.06 / many):
            at = size * many
            certainty = Certainty.CERTAIN if known or many == 1 else Certainty.LIKELY
            evidence.append(Evidence(f"it stopped at {number:,}: {_ports(many, size)}", pool_rows.RANGE))
            break
    if clues.pools.pools and pool_rows.fullest(clues.pools.pools).free:
        pool = pool_rows.fullest(clues.pools.pools)
        against.append(Evidence(f"now {pool_rows.room(pool)}, the fullest pool", pool_rows.SOCKETS))
        certainty = Certainty.LIKELY if certainty is Certainty.CERTAIN else certainty
    if _shown(clues):
        against.append(Evidence(f"no program is seen to bind first: {_shown(clues)}", pool_rows.SOCKETS))
        certainty = Certainty.POSSIBLE
    return Cause(
        _ID,
        _WHAT,
        certainty,
        at,
        evidence=tuple(evidence),
        against=tuple(against),
        log=_LOG,
        fixes=_FIX if at else (),
        confirm="" if certainty is Certainty.CERTAIN else _confirm(clues),
        strength=60,
    )


def _ports(many: int, size: int) -> str:
    return f"the {size:,} ports of one source address" if many == 1 else f"{size:,} ports of {many} source addresses"


def _confirm(clues: Clues) -> str:
    told = "a server meets EADDRINUSE too, where its port is taken (`ss -tlnp`); in a client it is bind() out of ports"
    return told if clues.stalled_at else f"{told}: --stalled-at N tells, the number at which it stopped"
