"""Beyond half of a range each connect() looks through the used half first: slow, without an error.

net/ipv4/inet_hashtables.c, __inet_hash_connect(): the ports of one parity, then the others.
"""

from __future__ import annotations

from hosttune.diagnosis import pool_rows, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Evidence, Fix, PortPool, Program

RULE = Rule(
    __name__,
    "more than half of a port range is in use: each new connection searches the used half first",
    errnos=("none",),
    log="nothing: it is slow, not refused",
    fixes=(
        Fix("stay below half of the range for each source and backend: more source addresses, or more backends"),
        Fix(
            "let the program choose its ports: IP_LOCAL_PORT_RANGE (ip(7), Linux 6.3), or HAProxy `source "
            "ADDRESS:LO-HI`"
        ),
    ),
    confirm="the time in connect(): strace -f -T -e trace=connect -p PID",
    strength=50,
    outgoing=True,
    rivals=("ports", "softnet", "accept-queue"),
)
_OPENED = "Tcp.ActiveOpens"
_PROBE = 60e-9
"""Seconds that connect() takes to look at one used port: 45 to 70 ns, measured on Linux 6.18 (x86-64)."""

_FELT = 0.05  # of a CPU: with less time in the search nobody waits for it
_LONG = 100e-6  # seconds: where connect() takes 13 us below the knee, a search that long is felt
_BUSY = 0.25  # of a CPU in the kernel: so much search is observed in the program's own time


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return the pool that is furthest beyond its knee while connections are made; or what number and silence say."""
    beyond = [pool for pool in clues.pools.pools if _beyond(pool)]
    if beyond:
        return (_seen(clues, pool_rows.fullest(beyond)),)
    if RULE.met(clues) is False:
        return (RULE.instead(clues, _failed(clues)),)
    size = pool_rows.size_of_range(clues)
    many = max(pool_rows.destinations(clues), 1)
    if size and saying.near(clues.stalled_at, size // 2 * many, 0.03):
        return (_by_number(clues, size, many),)
    if not clues.pools.pools:
        return (RULE.unknown(pool_rows.not_seen(clues)),)
    return (RULE.excluded(_below(clues), pool_rows.SOCKETS),)


def _below(clues: Clues) -> str:
    kneed = [pool for pool in clues.pools.pools if pool.knee]
    if not kneed:
        return "the program chooses its ports itself"
    best = pool_rows.fullest(kneed)
    if best.free <= best.in_range % 2:
        return "the ports are not half used, all are"
    return f"{pool_rows.room(best)}, slow above {best.knee:,}"


def _beyond(pool: PortPool) -> bool:
    return bool(pool.knee) and pool.usable - pool.free > (pool.knee or 0) and pool.free > pool.in_range % 2


def _failed(clues: Clues) -> str:
    met = next(filter(None, [clues.symptom.errno, *(hit.errno for hit in clues.symptom.hits)]), "an error")
    return f"a slow search fails no connect(), and {met} was met"


def _seen(clues: Clues, pool: PortPool) -> Cause:
    """It hurts only while connections are made: what the search takes follows from how many they are."""
    knee, opened = pool.knee or 0, clues.rates.rose(_OPENED)
    cost = _cost(clues, knee)
    certainty = _certainty(clues, pool, cost)
    made = f"{opened:,} new connections in {clues.rates.seconds:,.1f} s: the search uses about {cost:.0%} of a CPU"
    if certainty is Certainty.EXCLUDED:
        return RULE.excluded(f"{pool_rows.room(pool)}, slow above {knee:,}, but {made}", _OPENED)
    program, system = _busiest(clues, cost) or (None, 0.0)
    busy = f"{program} uses {system:.0%} of a CPU in the kernel"
    return RULE.cause(
        clues,
        certainty,
        pool_rows.taken(clues, pool),
        Evidence(f"slow above {knee:,}", pool_rows.SOCKETS),
        Evidence(made, _OPENED) if opened else None,
        Evidence(busy, f"/proc/{program.pid}/stat") if program else None,
        at=knee,
        what=f"more than half of the ports from {pool.source} to {pool.backend} are in use: each new connection "
        f"searches {knee:,} of them first, about {knee * _PROBE * 1e6:,.0f} us each time",
        against=Evidence(_failed(clues), saying.met_where(clues)) if RULE.met(clues) is False else None,
        words=(),
    )


def _certainty(clues: Clues, pool: PortPool, cost: float) -> Certainty:
    """Return how sure it is: by what the search takes now; else by what was said, where a search is long."""
    knee, slow = pool.knee or 0, RULE.met(clues)
    if slow is False:
        return Certainty.POSSIBLE if cost >= _FELT else Certainty.EXCLUDED
    if cost >= _FELT:
        return Certainty.CERTAIN if _busiest(clues, cost) else Certainty.LIKELY
    if slow and (knee * _PROBE >= _LONG or clues.rate * knee * _PROBE >= _FELT):
        return Certainty.LIKELY
    at, unknown = clues.stalled_at, clues.rates.moved(_OPENED) is None
    hint = slow or unknown or (at and knee * 0.9 <= at <= pool.usable)
    return Certainty.POSSIBLE if hint else Certainty.EXCLUDED


def _cost(clues: Clues, knee: int) -> float:
    """Return the CPUs that the search takes, had all new connections gone through it."""
    made, seconds = clues.rates.rose(_OPENED), clues.rates.seconds
    return made / seconds * knee * _PROBE if seconds else 0.0


def _busiest(clues: Clues, cost: float) -> tuple[Program, float] | None:
    """Return the program that spends the time of the search in the kernel, where so much of it is to be observed."""
    if cost < _BUSY:
        return None
    times = [(program, clues.busy(program)) for program in clues.programs if program.here is not False]
    heavy = [(program, busy[0]) for program, busy in times if busy and busy[0] >= max(cost / 2, _BUSY)]
    return max(heavy, key=lambda pair: pair[1], default=None)


def _by_number(clues: Clues, size: int, many: int) -> Cause:
    each = f"half of a range of {size:,} ports"
    text = f"slow above {clues.stalled_at:,}, which is {each}{f' towards each of {many} backends' if many > 1 else ''}"
    against = None
    if clues.pools.pools:
        now = f"now {pool_rows.room(pool_rows.fullest(clues.pools.pools))}, the fullest"
        against = Evidence(now, pool_rows.SOCKETS)
    return RULE.cause(
        clues,
        Certainty.LIKELY if clues.symptom.errno == "none" and not against else Certainty.POSSIBLE,
        Evidence(text, f"--stalled-at, {pool_rows.RANGE}"),
        at=size // 2 * many,
        against=against,
        words=(),
        confirm=f"system CPU of the program, and {RULE.confirm}",
    )
