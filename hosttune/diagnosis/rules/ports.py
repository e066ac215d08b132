"""All ports towards one destination are taken: connect() finds none (net/ipv4/inet_hashtables.c)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hosttune.diagnosis import pool_rows, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import BindMode, Cause, Certainty, Evidence, Fix, PortPool

RULE = Rule(
    __name__,
    "source ports towards a destination run out",
    failure="EADDRNOTAVAIL",
    errnos=("EADDRNOTAVAIL",),
    calls=("connect",),
    log="EADDRNOTAVAIL from connect(); HAProxy: no free ports; nginx: (99: Cannot assign requested address)",
    confirm="the errno and the call: EADDRNOTAVAIL from connect() is a lack of source ports, EADDRINUSE from bind() is "
    "ports-bind: strace -f -e trace=bind,connect -p PID",
    gives={"connect": ("EADDRNOTAVAIL", "EADDRINUSE"), "bind": ("EADDRINUSE",)},
    outgoing=True,
    rivals=("ports-bind", "ports-held", "time-wait", "nofile", "conntrack"),
)
_OWN = ("EADDRNOTAVAIL", "EADDRINUSE")  # of connect(), and of bind() where a program chooses its ports itself
_SHOWN, _NAMED = 4, 2  # pairs of which the ports are shown, destinations that are named
_CLOSE = (
    "the program must close what its peers have closed (`ss -tanp state close-wait` names it): a wider range fills too"
)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for the full pools of each kind; without any, what errno and number say, or why it is none."""
    met, pools = _met(clues), clues.pools.pools
    causes = tuple(_full(clues, alike, met) for alike in _alike(clues, pool_rows.full(clues, RULE.kind)))
    if causes:
        return causes
    if met is False:
        return (RULE.instead(clues, _instead(clues)),)
    chosen = [p for p in pools if clues.pools.guessed(p) and p.free <= p.in_range // 10]
    if chosen:
        return tuple(_chosen(clues, pool, met) for pool in chosen)
    at = pool_rows.pools_at(clues)
    if at and (met or not clues.symptom.errno):
        return (_by_number(clues, *at, met=bool(met)),)
    part = pool_rows.part_at(clues) if met else None
    if part:
        return (_by_part(clues, *part),)
    if met or clues.hits(RULE.kind):
        return (_by_word(clues),)
    if not pools:
        return (RULE.unknown(pool_rows.not_seen(clues)),)
    return (RULE.excluded(pool_rows.elsewhere(clues, pools), pool_rows.SOCKETS),)


def _met(clues: Clues) -> bool | None:
    """Say whether the errno of a full pool was met; EADDRINUSE too where programs choose their ports themselves."""
    own = any(pool.mode is BindMode.EXPLICIT for pool in clues.pools.pools)
    met = RULE.met(clues)
    return met or (clues.met("EADDRINUSE", calls=("bind", "connect")) if own else met)


def _words(clues: Clues, met: bool = True) -> tuple[Evidence, ...]:
    logged = saying.logged(clues, RULE.kind, "EADDRNOTAVAIL")
    return (*saying.named(clues, *_OWN), *logged) if met else logged


def _instead(clues: Clues) -> str:
    if clues.met("EADDRNOTAVAIL"):
        return "EADDRNOTAVAIL from bind() is not of ports: the source address is not on this host (ip(7), `ip addr`)"
    return saying.instead(clues, RULE.failure)


def _full(clues: Clues, pools: Sequence[PortPool], met: bool | None) -> Cause:
    """Judge full pools of one kind together: an operator has one stall, whatever the number of its tuples."""
    other = (Evidence(_instead(clues), saying.met_where(clues)),) if met is False else ()
    first, leaked = pools[0], _leaked(clues, pools)
    more = f"and {len(pools) - _SHOWN:,} more pairs are full" if pools[_SHOWN:] else ""
    return RULE.cause(
        clues,
        Certainty.LIKELY if other or pool_rows.inferred(clues, first) else Certainty.CERTAIN,
        dict.fromkeys(evidence for pool in pools[:_SHOWN] for evidence in pool_rows.taken(clues, pool)),
        Evidence(more, pool_rows.SOCKETS) if more else None,
        leaked,
        dict.fromkeys(evidence for pool in pools for evidence in pool_rows.stopped(clues, pool)),
        at=sum(pool.usable for pool in pools),
        what=f"source ports {_between(pools)} run out",
        against=other,
        words=_words(clues, not other),
        log=f"EADDRINUSE from bind(), or {RULE.log}" if first.mode is BindMode.EXPLICIT else "",
        fixes=(*((Fix(_CLOSE),) if leaked else ()), *_fixes(clues, first)),
        confirm=pool_rows.which(clues, first),
        strength=20 if other else 80,
    )


def _leaked(clues: Clues, pools: Sequence[PortPool]) -> Evidence | None:
    """Return that most of the ports are of sockets that their peers have closed, and the program has not."""
    closing, passing = clues.states.get("CLOSE_WAIT", 0), sum(pool.other for pool in pools)
    if 2 * min(closing, passing) <= sum(pool.used for pool in pools):
        return None
    text = f"{closing:,} sockets are in CLOSE_WAIT: the far end has closed, the program has not"
    return Evidence(text, pool_rows.SOCKETS)


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


def _chosen(clues: Clues, pool: PortPool, met: bool | None) -> Cause:
    """The program's range is known only from what it uses: what is free in it shows no end that it has not reached."""
    near, binds = pool_rows.stopped(clues, pool), pool.mode is BindMode.EXPLICIT
    return RULE.cause(
        clues,
        Certainty.LIKELY if met or near or clues.hits(RULE.kind) else Certainty.POSSIBLE,
        pool_rows.taken(clues, pool),
        near,
        at=pool.usable,
        what=f"source ports from {pool.source} to {pool.backend} run out, if {pool.low}-{pool.high} is all that the "
        "program may take",
        words=_words(clues),
        log="HAProxy: Cannot bind to source address before connect(); no free ports" if binds else RULE.log,
        fixes=_fixes(clues, pool),
        confirm="`hosttune diagnose --backends-from FILE` of its configuration, or --bind-mode explicit:LO-HI"
        if binds
        else f"`hosttune check --backend {pool.backend} --bind-mode connect:{pool.low}-{pool.high}`, and the program's "
        "configuration or source: IP_LOCAL_PORT_RANGE",
        strength=60,
    )


def _by_number(clues: Clues, count: int, size: int, *, met: bool) -> Cause:
    each, number = f"one range of {size:,} ports", f"it stopped at {clues.stalled_at:,}"
    text = f"{number}, where {each} is full"
    if count > 1:
        each = f"{count} times {size:,} ports"
        text = f"{number}, where {each} are full, {count * size:,} in all"
    now = _now(clues)
    near = pool_rows.taken(clues, pool_rows.fullest(clues.pools.pools)) if clues.pools.pools and not now else ()
    certain = bool(pool_rows.destinations(clues)) or count == 1
    certainty = Certainty.LIKELY if certain and not now else Certainty.POSSIBLE
    if met:
        certainty = Certainty.CERTAIN if certainty is Certainty.LIKELY else Certainty.LIKELY
    return RULE.cause(
        clues,
        certainty,
        Evidence(text, pool_rows.RANGE),
        near,
        at=count * size,
        what=f"source ports run out: {each}",
        against=now,
        words=_words(clues),
        fixes=_fixes(clues),
        confirm=_count(clues) if met and certainty is not Certainty.CERTAIN else None,
        strength=60,
    )


def _by_part(clues: Clues, part: int, size: int) -> Cause:
    """An old kernel gives a program that binds with SO_REUSEADDR a part of the range, and then ports that are taken."""
    name = {2: "half", 4: "a quarter"}[part]
    text = f"it stopped at {clues.stalled_at:,}, where {name} of the range is {size // part:,} ports"
    old = f"Linux {clues.machine.kernel} gives no more to a program that sets SO_REUSEADDR and binds to port 0"
    return RULE.cause(
        clues,
        Certainty.LIKELY,
        Evidence(text, pool_rows.RANGE),
        Evidence(old, "before Linux 4.11"),
        at=size // part,
        what=f"source ports run out at {name} of the range: bind() to port 0 with SO_REUSEADDR on an old kernel",
        words=_words(clues),
        fixes=(
            *_fixes(clues)[:-1],
            Fix("let the program choose its ports itself, or not bind; or not set SO_REUSEADDR before it binds"),
            Fix("Linux 4.11 or newer: it takes the whole range"),
        ),
        confirm="strace -f -e trace=setsockopt,bind,connect -p PID: SO_REUSEADDR and a bind() to port 0 before each "
        "connect()",
        strength=60,
    )


def _by_word(clues: Clues) -> Cause:
    """EADDRNOTAVAIL from connect() is a lack of ports; of which kind takes a number, or a look while it stalls."""
    size, number = pool_rows.size_of_range(clues) or 0, clues.stalled_at or 0
    known = pool_rows.destinations(clues)
    every = size * max(known, 1)
    fits, against = bool(known) and every * 0.8 <= number <= every, list(_now(clues))
    whole = Evidence(f"it stopped at {number:,} of the {every:,} ports of all destinations", pool_rows.RANGE)
    if size and number and not fits:
        against.append(Evidence(f"it stopped at {number:,}, where all destinations have {every:,}", pool_rows.RANGE))
    thin = (against and not fits) or _otherwise(clues, fits)
    return RULE.cause(
        clues,
        Certainty.POSSIBLE if thin else Certainty.LIKELY,
        _words(clues),
        whole if fits else None,
        at=every if fits else None,
        against=against,
        words=(),
        fixes=_fixes(clues),
        confirm=_count(clues),
        strength=40,
    )


def _otherwise(clues: Clues, fits: bool) -> bool:
    """Say whether it may be TIME_WAIT, or bind() of an address that is not on this host: then the call is not known."""
    limit = pool_rows.churn(clues)
    if pool_rows.waiting(clues) or (limit and clues.rate > limit):
        return True
    called = "connect" in (clues.symptom.call, *(hit.call for hit in clues.symptom.hits))
    return not (called or fits or clues.pools.pools)


def _count(clues: Clues) -> str:
    """Return the command that counts the ports, of the backends that were named."""
    every = " ".join(f"--backend {backend}" for backend in clues.backends[:_NAMED])
    named = clues.files or every or "--backend HOST:PORT"
    return f"`hosttune diagnose {named}` while it stalls: it counts the ports of each pair"


def _now(clues: Clues) -> tuple[Evidence, ...]:
    """Return that no pool is nearly full now, where pools were observed: what was said is of another time, or place."""
    if not clues.pools.pools:
        return ()
    pool = pool_rows.fullest(clues.pools.pools)
    if pool.free <= pool.usable * 0.06:
        return ()
    return (pool_rows.now(pool),)


def _fixes(clues: Clues, pool: PortPool | None = None) -> tuple[Fix, ...]:
    wider, held = pool_rows.wider(clues), ""
    if pool is not None and pool.mode is BindMode.EXPLICIT:
        wider = (Fix("a wider range in the program's configuration (HAProxy `source ADDRESS:LO-HI`)"),)
    elif pool is not None and clues.pools.guessed(pool):
        wider = (Fix("a wider range for the program's sockets (IP_LOCAL_PORT_RANGE), or none"),)
    elif pool is not None and pool.blocked > pool.in_range // 10:
        held = f"{pool.blocked:,} ports of the range are held by bind(): `hosttune check --backend {pool.backend} -v`"
    more = "more source addresses, each with ports of its own (HAProxy `source`, nginx `proxy_bind`), or more backends"
    return (*wider, *(Fix(text) for text in (held, more) if text))
