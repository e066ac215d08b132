"""bind() takes a port before connect() names the destination: one pool a source address, whatever it connects to.

net/ipv4/inet_connection_sock.c, inet_csk_find_open_port(); ip(7), IP_BIND_ADDRESS_NO_PORT.
"""

from __future__ import annotations

from hosttune.diagnosis import pool_rows, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import BindMode, Cause, Certainty, Evidence, Fix, PortPool

RULE = Rule(
    __name__,
    "the ports of a source address run out, whatever the destination: the program binds before it connects",
    failure="EADDRINUSE from bind()",
    errnos=("EADDRINUSE",),
    calls=("bind", "connect"),
    log="EADDRINUSE from bind()",
    fixes=(
        Fix("do not bind, or set IP_BIND_ADDRESS_NO_PORT before bind(): then each destination has ports of its own"),
        Fix("more source addresses: each has ports of its own"),
    ),
    confirm="strace -f -e trace=bind,connect -p PID: EADDRINUSE from bind() confirms it",
    outgoing=True,
    rivals=("ports", "ports-held", "time-wait", "nofile"),
)
_MOST = 16  # source addresses: beyond so many, nearly every number is a multiple of one pool


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each source whose pool is full; without one, what errno and number say."""
    # where connect() has the rest of its ports, these are out because of that: ports-held says so
    others = () if clues.met("EADDRINUSE") else pool_rows.full(clues, "ports-held")
    beside = {pool.source for pool in others}
    causes = tuple(_full(clues, pool) for pool in pool_rows.full(clues, RULE.kind) if pool.source not in beside)
    return causes or (_without(clues),)


def _without(clues: Clues) -> Cause:
    """Return what errno and number say where no pool of such a program is full."""
    met, shown = RULE.met(clues), _shown(clues)
    listener = saying.of_listener(clues)
    if listener:
        return RULE.excluded(listener)
    pools = [pool for pool in clues.pools.pools if pool.mode is BindMode.BIND]
    size = pool_rows.size_of_range(clues)
    if met is False:
        return RULE.instead(clues)
    if met:
        return _by_word(clues, size)
    if size and _one_for_all(clues, size) and (pools or not shown):
        return _for_all(clues, size)
    if pools:
        return RULE.excluded(f"{pool_rows.room(pool_rows.fullest(pools))}, whatever the backend", pool_rows.SOCKETS)
    if shown:
        return RULE.excluded(f"no program binds first: {shown}", pool_rows.SOCKETS)
    if not clues.pools.pools:
        return RULE.unknown(pool_rows.not_seen(clues))
    return RULE.excluded(pool_rows.elsewhere(clues, clues.pools.pools), pool_rows.SOCKETS)


def _full(clues: Clues, pool: PortPool) -> Cause:
    other = RULE.other(clues)
    used, waiting = pool_rows.counts(clues, pool)
    shared = [p.backend for p in clues.pools.pools if p.source == pool.source and p.mode is BindMode.BIND]
    where = f"{used:,} connections from {pool.source} to {len(shared)} backends, {waiting:,} of them in TIME_WAIT"
    return RULE.cause(
        clues,
        Certainty.LIKELY if other else Certainty.CERTAIN,
        Evidence(where, pool_rows.SOCKETS) if len(shared) > 1 else None,
        pool_rows.taken(clues, pool),
        pool_rows.stopped(clues, pool),
        () if other else saying.named(clues),
        at=pool.usable,
        what=f"the ports of {pool.source} run out, whatever the destination: bind() chooses them",
        against=other,
        words=saying.logged(clues, RULE.kind, "EADDRINUSE"),
        fixes=(*RULE.fixes, *pool_rows.wider(clues)),
        confirm="",
        strength=20 if other else 80,
    )


def _one_for_all(clues: Clues, size: int) -> bool:
    """Say whether it stopped at the ports of its sources although it goes to several destinations."""
    sources = max(_sources(clues), 1)
    return pool_rows.destinations(clues) > sources and saying.near(clues.stalled_at, size * sources)


def _shown(clues: Clues) -> str:
    """Return what shows that no program binds first, "" where one does, or nothing shows it."""
    if any(pool.mode is BindMode.BIND for pool in clues.pools.pools):
        return ""
    return next((why for pair, why in clues.pools.basis.items() if pair not in clues.pools.unsure), "")


def _sources(clues: Clues) -> int:
    """Return how many source addresses were found or named, 0 where neither is known."""
    sources = {pool.source for pool in clues.pools.pools}
    return len(sources) or len([source for source in clues.sources if source != "all"])


def _for_all(clues: Clues, size: int) -> Cause:
    pairs, many = pool_rows.destinations(clues), max(_sources(clues), 1)
    text = (
        f"it stopped at {clues.stalled_at:,}, the {size * many:,} ports of its source, where {pairs} destinations "
        f"have {pairs * size:,}"
    )
    stopped, words = Evidence(text, pool_rows.RANGE), saying.named(clues)
    return RULE.cause(clues, Certainty.LIKELY, stopped, at=size * many, words=words, strength=70)


def _by_word(clues: Clues, size: int | None) -> Cause:
    """EADDRINUSE is also what a server meets whose own port is taken: a number shows that it is not that."""
    known, against = _sources(clues), []
    at, certainty, stopped = None, Certainty.POSSIBLE, None
    for many in (known,) if known else range(1, _MOST + 1):
        if size and saying.near(clues.stalled_at, size * many, 0.06 if known else 0.06 / many):
            at, certainty = size * many, Certainty.CERTAIN if known or many == 1 else Certainty.LIKELY
            stopped = Evidence(f"it stopped at {clues.stalled_at:,}: {_ports(many, size)}", pool_rows.RANGE)
            break
    if clues.pools.pools and pool_rows.fullest(clues.pools.pools).free:
        against.append(pool_rows.now(pool_rows.fullest(clues.pools.pools)))
        certainty = Certainty.LIKELY if certainty is Certainty.CERTAIN else certainty
    if _shown(clues):
        against.append(Evidence(f"no program is seen to bind first: {_shown(clues)}", pool_rows.SOCKETS))
        certainty = Certainty.POSSIBLE
    return RULE.cause(
        clues,
        certainty,
        saying.named(clues),
        saying.logged(clues, RULE.kind, "EADDRINUSE"),
        stopped,
        at=at,
        against=against,
        words=(),
        fixes=RULE.fixes if at else (),
        confirm="" if certainty is Certainty.CERTAIN else _confirm(clues),
        strength=60,
    )


def _ports(many: int, size: int) -> str:
    return f"the {size:,} ports of one source address" if many == 1 else f"{size:,} ports of {many} source addresses"


def _confirm(clues: Clues) -> str:
    hint = "a server meets EADDRINUSE too, where its port is taken (`ss -tlnp`); in a client it is bind() out of ports"
    return hint if clues.stalled_at else f"{hint}: --stalled-at N tells, the number at which it stopped"
