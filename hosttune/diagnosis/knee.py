"""Beyond half of a range each connect() looks through the used half first: slow, without an error.

net/ipv4/inet_hashtables.c, __inet_hash_connect(): the ports of one parity, then the others.
"""

from __future__ import annotations

from collections.abc import Iterator

from hosttune.diagnosis import _pools, _say
from hosttune.diagnosis._clues import Clues
from hosttune.model import Cause, Certainty, Evidence, PortPool, Program

RIVALS = ("ports", "softnet", "accept-queue")
_ID = "knee"
_WHAT = "more than half of a port range is in use: each new connection searches the used half first"
_BUSY = 0.5
"""Of a CPU, in the kernel: what a process that does nothing but connect below the knee does not come near to."""

_FIX = (
    "stay below half of the range for each source and backend: more source addresses, or more backends",
    "let the program choose its ports: IP_LOCAL_PORT_RANGE (ip(7), Linux 6.3), or HAProxy `source ADDRESS:LO-HI`",
)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return the pool that is furthest beyond its knee while connections are made; or what number and silence say."""
    beyond = sorted(_beyond(clues), key=lambda pool: pool.free)
    if beyond:
        return (_seen(clues, beyond[0]),)
    if clues.said.errno not in ("", "none") or any(hit.errno for hit in clues.said.hits):
        return (_say.excluded(_ID, _WHAT, "there is an error, and beyond the knee there is none", "--errno"),)
    size, number = _pools.size_of_range(clues), clues.stalled_at
    if size and not clues.pools.pools and _say.near(number, size // 2, 0.03):
        return (_by_number(clues, size, number or 0),)
    if not clues.pools.pools:
        return (_say.unseen(_ID, _WHAT, "no connection that goes out was seen"),)
    kneed = [pool for pool in clues.pools.pools if pool.knee]
    if not kneed:
        return (_say.excluded(_ID, _WHAT, "the program chooses its ports itself", _pools.SOCKETS),)
    best = max(kneed, key=lambda pool: pool.used / (pool.knee or 1))
    text = f"{best.used:,} connections to {best.backend}, below half of its {best.usable:,} ports"
    return (_say.excluded(_ID, _WHAT, text, _pools.SOCKETS),)


def _beyond(clues: Clues) -> Iterator[PortPool]:
    for pool in clues.pools.pools:
        if pool.knee and pool.usable - pool.free > pool.knee and pool.free > pool.in_range % 2:
            yield pool


def _seen(clues: Clues, pool: PortPool) -> Cause:
    """It hurts only while connections are made; what they cost shows in the system time of the program."""
    made = clues.rates.rose("Tcp.ActiveOpens")
    busiest = _busiest(clues)
    evidence = list(_pools.taken(clues, pool))
    evidence.append(Evidence(f"beyond its knee at {pool.knee:,}", _pools.SOCKETS))
    certainty = Certainty.POSSIBLE
    if made and busiest:
        program, system = busiest
        evidence.append(Evidence(f"{made:,} connections begun in {clues.rates.seconds:,.1f} s", "Tcp.ActiveOpens"))
        evidence.append(Evidence(f"{program} takes {system:,.2f} CPU in the kernel", f"/proc/{program.pid}/stat"))
        certainty = Certainty.CERTAIN
    elif made or clues.said.errno == "none":
        certainty = Certainty.LIKELY
    return Cause(
        _ID,
        f"more than half of the ports from {pool.source} to {pool.backend} are in use: each new connection searches "
        f"{pool.knee:,} of them first",
        certainty,
        pool.knee,
        evidence=tuple(evidence),
        log="nothing: it is slow, not refused",
        fixes=_FIX,
        confirm="perf top, or the time in connect(): strace -f -T -e trace=connect -p PID",
        strength=50,
    )


def _busiest(clues: Clues) -> tuple[Program, float] | None:
    found = [(one, clues.busy(one)) for one in clues.programs]
    heavy = [(one, busy[0]) for one, busy in found if busy and busy[0] >= _BUSY]
    return max(heavy, key=lambda pair: pair[1], default=None)


def _by_number(clues: Clues, size: int, number: int) -> Cause:
    text = f"slow from {number:,}, which is half of a range of {size:,} ports"
    return Cause(
        _ID,
        _WHAT,
        Certainty.LIKELY if clues.said.errno == "none" else Certainty.POSSIBLE,
        size // 2,
        evidence=(Evidence(text, _pools.RANGE),),
        log="nothing: it is slow, not refused",
        fixes=_FIX,
        confirm="system CPU of the program, and the time in connect(): strace -f -T -e trace=connect -p PID",
        strength=50,
    )
