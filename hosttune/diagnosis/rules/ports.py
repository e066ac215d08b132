"""All ports towards one destination are taken: connect() finds none (net/ipv4/inet_hashtables.c)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hosttune.diagnosis import pool_rows, saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import BindMode, Cause, Certainty, Evidence, PortPool, Traffic

RIVALS = ("ports-bind", "ports-held", "time-wait", "nofile", "conntrack")
_ID = "ports"
_OWN = ("EADDRNOTAVAIL", "EADDRINUSE")  # of connect(), and of bind() where a program chooses its ports itself
_WHAT = "source ports towards a destination run out"
_LOG = "EADDRNOTAVAIL from connect(); HAProxy: no free ports; nginx: (99: Cannot assign requested address)"
_OTHER = (
    "the errno and the call: EADDRNOTAVAIL from connect() is a full pool, EADDRINUSE from bind() is ports-bind: "
    "strace -f -e trace=bind,connect -p PID"
)
_SHOWN, _NAMED = 4, 2  # pairs of which the ports are shown, destinations that are named
_CLOSE = (
    "the program must close what its peers have closed (`ss -tanp state close-wait` names it): a wider range fills too"
)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for the full pools of each kind; without any, what errno and number say, or why it is none."""
    heard = heard_of(clues)
    found = tuple(_full(clues, alike, heard) for alike in _alike(clues, pool_rows.full(clues, _ID)))
    if found:
        return found
    if heard is False:
        return (saying.excluded(_ID, _WHAT, _instead(clues), saying.met_where(clues)),)
    chosen = [p for p in clues.pools.pools if clues.pools.guessed(p) and p.free <= p.in_range // 10]
    if chosen:
        return tuple(_chosen(clues, pool, heard) for pool in chosen)
    if pool_rows.pools_at(clues) and (heard or not clues.symptom.errno):
        return (_by_number(clues, heard),)
    if heard or clues.hits(_ID):
        return (_by_word(clues),)
    if not clues.pools.pools:
        return (saying.unknown(_ID, _WHAT, pool_rows.not_seen(clues)),)
    return (saying.excluded(_ID, _WHAT, pool_rows.elsewhere(clues, clues.pools.pools), pool_rows.SOCKETS),)


def heard_of(clues: Clues) -> bool | None:
    """Say whether the errno of a full pool was met; EADDRINUSE too where programs choose their ports themselves."""
    own = any(pool.mode is BindMode.EXPLICIT for pool in clues.pools.pools)
    heard = clues.heard("EADDRNOTAVAIL", calls=("connect",))
    return heard or (clues.heard("EADDRINUSE", calls=("bind", "connect")) if own else heard)


def _instead(clues: Clues) -> str:
    if clues.heard("EADDRNOTAVAIL"):
        return "EADDRNOTAVAIL from bind() is not of ports: the source address is not on this host (ip(7), `ip addr`)"
    return saying.instead(clues, "EADDRNOTAVAIL")


def _full(clues: Clues, pools: Sequence[PortPool], heard: bool | None) -> Cause:
    """Judge full pools of one kind together: an operator has one stall, whatever the number of its tuples."""
    other = (Evidence(_instead(clues), saying.met_where(clues)),) if heard is False else ()
    first, own = pools[0], pools[0].mode is BindMode.EXPLICIT
    more = (Evidence(f"and {len(pools) - _SHOWN:,} more pairs are full", pool_rows.SOCKETS),) if pools[_SHOWN:] else ()
    taken = dict.fromkeys(one for pool in pools[:_SHOWN] for one in pool_rows.taken(clues, pool))
    stopped = dict.fromkeys(one for pool in pools for one in pool_rows.stopped(clues, pool))
    return Cause(
        _ID,
        f"source ports {_between(pools)} run out",
        Certainty.LIKELY if other or pool_rows.inferred(clues, first) else Certainty.CERTAIN,
        sum(pool.usable for pool in pools),
        evidence=(
            *taken,
            *more,
            *((_left(clues),) if _leaked(clues, pools) else ()),
            *stopped,
            *(() if other else saying.heard(clues, *_OWN)),
            *saying.logged(clues, _ID, "EADDRNOTAVAIL"),
        ),
        against=other,
        log=f"EADDRINUSE from bind(), or {_LOG}" if own else _LOG,
        fixes=(*((_CLOSE,) if _leaked(clues, pools) else ()), *_fixes(clues, first)),
        confirm=pool_rows.which(clues, first),
        strength=20 if other else 80,
    )


def _leaked(clues: Clues, pools: Sequence[PortPool]) -> bool:
    """Say whether most of the ports are of sockets that their peers have closed, and the program has not."""
    closing = clues.traffic.states.get("CLOSE_WAIT", 0) if isinstance(clues.traffic, Traffic) else 0
    passing, used = sum(pool.other for pool in pools), sum(pool.used for pool in pools)
    return 2 * min(closing, passing) > used


def _left(clues: Clues) -> Evidence:
    closing = clues.traffic.states.get("CLOSE_WAIT", 0) if isinstance(clues.traffic, Traffic) else 0
    return Evidence(
        f"{closing:,} sockets are in CLOSE_WAIT: the far end has closed, the program has not", pool_rows.SOCKETS
    )


def _between(pools: Sequence[PortPool]) -> str:
    sources = list(dict.fromkeys(pool.source for pool in pools))
    backends = list(dict.fromkeys(str(pool.backend) for pool in pools))
    left = f"from {sources[0]}" if len(sources) == 1 else f"of {len(sources):,} addresses"
    right = ", ".join(backends) if len(backends) <= _NAMED else f"{len(backends):,} destinations"
    return f"{left} to {right}"


def _alike(clues: Clues, pools: Iterable[PortPool]) -> list[list[PortPool]]:
    """Return the pools that are full in one way, together."""
    groups: dict[tuple[BindMode, bool], list[PortPool]] = {}
    for pool in pools:
        groups.setdefault((pool.mode, pool_rows.inferred(clues, pool)), []).append(pool)
    return list(groups.values())


def _chosen(clues: Clues, pool: PortPool, heard: bool | None) -> Cause:
    """The program's range is known only from what it uses: what is free in it shows no end that it has not reached."""
    near = pool_rows.stopped(clues, pool)
    return Cause(
        _ID,
        f"source ports from {pool.source} to {pool.backend} run out, if {pool.low}-{pool.high} is all that the program "
        "may take",
        Certainty.LIKELY if heard or near or clues.hits(_ID) else Certainty.POSSIBLE,
        pool.usable,
        evidence=(
            *pool_rows.taken(clues, pool),
            *near,
            *saying.heard(clues, *_OWN),
            *saying.logged(clues, _ID, "EADDRNOTAVAIL"),
        ),
        log="HAProxy: Cannot bind to source address before connect(); no free ports",
        fixes=_fixes(clues, pool),
        confirm="`hosttune diagnose --backends-from FILE` of its configuration, or --bind-mode explicit:LO-HI",
        strength=60,
    )


def _by_number(clues: Clues, heard: bool | None) -> Cause:
    pools, size = pool_rows.pools_at(clues) or (0, 0)
    number, known = clues.stalled_at or 0, pool_rows.destinations(clues)
    each = f"{pools} pools of {size:,} ports" if pools > 1 else f"one pool of {size:,} ports"
    text = f"it stopped at {number:,}, where {each} {'is' if pools == 1 else 'are'} full"
    text += f", {pools * size:,} in all" if pools > 1 else ""
    now = _now(clues)
    near = pool_rows.taken(clues, pool_rows.fullest(clues.pools.pools)) if clues.pools.pools and not now else ()
    certainty = Certainty.LIKELY if known or pools == 1 else Certainty.POSSIBLE
    if heard:
        certainty = Certainty.CERTAIN if certainty is Certainty.LIKELY and not now else Certainty.LIKELY
    elif now:
        certainty = Certainty.POSSIBLE
    return Cause(
        _ID,
        f"source ports run out: {each}",
        certainty,
        pools * size,
        evidence=(
            Evidence(text, pool_rows.RANGE),
            *near,
            *saying.heard(clues, *_OWN),
            *saying.logged(clues, _ID, "EADDRNOTAVAIL"),
        ),
        against=now,
        log=_LOG,
        fixes=_fixes(clues),
        confirm="" if certainty is Certainty.CERTAIN else _count(clues) if heard else _OTHER,
        strength=60,
    )


def _by_word(clues: Clues) -> Cause:
    """EADDRNOTAVAIL from connect() is a lack of ports; of which kind takes a number, or a look while it stalls."""
    size, number = pool_rows.size_of_range(clues) or 0, clues.stalled_at or 0
    every = size * max(pool_rows.destinations(clues), 1)
    evidence = [*saying.heard(clues, *_OWN), *saying.logged(clues, _ID, "EADDRNOTAVAIL")]
    against = list(_now(clues))
    fits = bool(pool_rows.destinations(clues)) and every * 0.8 <= number <= every
    if fits:
        evidence.append(Evidence(f"it stopped at {number:,} of the {every:,} ports of all pools", pool_rows.RANGE))
    elif size and number:
        against.append(Evidence(f"it stopped at {number:,}, where all pools have {every:,}", pool_rows.RANGE))
    limit = pool_rows.churn(clues)
    churns = bool(limit and clues.rate > limit)
    # without the call it may as well be bind() of an address that is not on this host
    called = clues.symptom.call == "connect" or any(hit.call == "connect" for hit in clues.symptom.hits)
    thin = (against and not fits) or pool_rows.waiting(clues) or churns or not (called or fits or clues.pools.pools)
    return Cause(
        _ID,
        _WHAT,
        Certainty.POSSIBLE if thin else Certainty.LIKELY,
        every if fits else None,
        evidence=tuple(evidence),
        against=tuple(against),
        log=_LOG,
        fixes=_fixes(clues),
        confirm=_count(clues),
        strength=40,
    )


def _count(clues: Clues) -> str:
    """Return the command that counts the ports, of the backends that were named."""
    named = " ".join(f"--backend {backend}" for backend in clues.backends[:_NAMED]) or "--backend HOST:PORT"
    return f"`hosttune diagnose {named}` while it stalls: it counts the ports of each pair"


def _now(clues: Clues) -> tuple[Evidence, ...]:
    """Return that no pool is nearly full now, where pools were seen: what was said is of another time, or place."""
    if not clues.pools.pools:
        return ()
    pool = pool_rows.fullest(clues.pools.pools)
    if pool.free <= pool.usable * 0.06:
        return ()
    return (Evidence(f"now {pool_rows.room(pool)}, the fullest pool", pool_rows.SOCKETS),)


def _fixes(clues: Clues, pool: PortPool | None = None) -> tuple[str, ...]:
    wider, held = pool_rows.apply_line(clues), ""
    if pool is not None and pool.mode is BindMode.EXPLICIT:
        wider = "a wider range in the program's configuration (HAProxy `source ADDRESS:LO-HI`)"
    elif pool is not None and pool.blocked > pool.in_range // 10:
        held = f"{pool.blocked:,} ports of the range are held by bind(): `hosttune check --backend {pool.backend} -v`"
    more = "more source addresses, each with a pool of its own (HAProxy `source`, nginx `proxy_bind`), or more backends"
    return tuple(fix for fix in (wider, held, more) if fix)
