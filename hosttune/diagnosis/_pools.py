"""Port pools that are full, and what fills each: connections, TIME_WAIT, or ports that others hold."""

from __future__ import annotations

from collections.abc import Iterator

from hosttune.diagnosis import _say
from hosttune.diagnosis._clues import Clues
from hosttune.model import BindMode, Evidence, PortPool
from hosttune.ports import mask_of, span

RANGE = "net.ipv4.ip_local_port_range"
TIME_WAIT = 60  # seconds, TCP_TIMEWAIT_LEN, include/net/tcp.h
SOCKETS = "sock_diag"


def filled_by(pool: PortPool) -> str:
    """Return the kind of cause that a full pool is."""
    open_now = pool.established + pool.other
    if pool.blocked >= pool.in_range // 2 and pool.blocked > open_now:
        return "ports-held"
    if pool.time_wait > open_now:
        return "time-wait"
    return "ports-bind" if pool.mode is BindMode.BIND else "ports"


def full(clues: Clues, kind: str) -> Iterator[PortPool]:
    """Yield the pools without a free port that are of a kind of cause, the fullest first."""
    for pool in sorted(clues.pools.pools, key=lambda pool: -pool.used):
        # a single connect() looks at an even number of ports: the last one of an odd range is found only by luck
        if pool.free <= pool.in_range % 2 and (pool.used or pool.blocked) and filled_by(pool) == kind:
            yield pool


def taken(clues: Clues, pool: PortPool) -> tuple[Evidence, ...]:
    """Return what is known of a pool, as evidence."""
    counted = (
        f"{pool.source} -> {pool.backend}: {pool.free:,} of {pool.usable:,} ports free; {pool.established:,} "
        f"established, {pool.time_wait:,} TIME_WAIT, {pool.other:,} other, {pool.blocked:,} held by others"
    )
    told = clues.pools.told.get(pool.source, "")
    return (Evidence(counted, SOCKETS), *((Evidence(told, SOCKETS),) if told else ()))


def size_of_range(clues: Clues) -> int | None:
    """Return the ports of the range without the reserved ones; None where it could not be read."""
    ends = clues.numbers(RANGE)
    if not ends or len(ends) != 2:
        return None
    ports = span(*ends)
    return (ports & ~mask_of(clues.text("net.ipv4.ip_local_reserved_ports"))).bit_count()


def destinations(clues: Clues) -> int:
    """Return to how many (source, destination) pairs it goes, as named or as found; 0 where neither is known."""
    sources = max(len(clues.sources), 1)
    if clues.backends:
        return len(clues.backends) * sources
    return len({(p.source, p.backend) for p in clues.pools.pools})


def pools_at(clues: Clues) -> tuple[int, int] | None:
    """Return how many whole pools the number at which it stalled is, and their size; None where it is none.

    Where the destinations are known it can be no other number of pools.
    """
    size, number = size_of_range(clues), clues.stalled_at
    if not size or number is None:
        return None
    known = destinations(clues)
    for count in (known,) if known else range(1, 65):
        if _say.near(number, size * count, slack=0.06 / count if not known else 0.06):
            return count, size
    return None


def apply_line(clues: Clues) -> str:
    """Return the command that widens the range, "" where it is wide."""
    ends = clues.numbers(RANGE)
    if ends and len(ends) == 2 and ends[1] - ends[0] < 60_000:
        return "sudo hosttune apply --role client, for the range 1024 65535 (`--dry-run` shows it)"
    return ""


def waiting(clues: Clues) -> bool:
    """Say whether sockets in TIME_WAIT outnumber the open ones and could fill a pool (/proc/net/sockstat)."""
    closed, open_now = clues.rates.value("sockstat.TCP.tw"), clues.rates.value("sockstat.TCP.inuse")
    size = size_of_range(clues)
    return closed is not None and closed > (open_now or 0) and closed >= (size or 0) * 0.8
