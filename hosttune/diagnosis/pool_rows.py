"""Port pools that are full, and what fills each: connections, TIME_WAIT, or ports that others hold."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from hosttune import kernel, releases
from hosttune.diagnosis import fixing, saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import BindMode, Evidence, Fix, PortPool, Traffic
from hosttune.ports import mask_of, span

RANGE = "net.ipv4.ip_local_port_range"
SOCKETS = "sock_diag"
_WIDE = (1024, 65_535)  # what the role client makes of the range
WIDEST = 64  # pools: beyond so many, nearly every number is a multiple of one pool
_OPEN = 0.2  # of a pool: what connections that are still open may take beside those in TIME_WAIT
_SLACK = 0.06  # of a pool: what listeners and other connections take of it
_PARTS = (2, 4)  # half and a quarter of the range, releases.py: bound-port-shared


def full(clues: Clues, kind: str) -> list[PortPool]:
    """Return the pools without a free port that are of a kind of cause, the fullest first; one for a shared pool."""
    pools = [p for p in clues.pools.pools if is_full(clues, p) and filled_by(clues, p) == kind]
    seen: dict[object, PortPool] = {}
    for pool in sorted(pools, key=lambda pool: -pool.used):
        seen.setdefault(pool.source if pool.mode is BindMode.BIND else (pool.source, pool.backend), pool)
    return list(seen.values())


def is_full(clues: Clues, pool: PortPool) -> bool:
    """Say whether the next connection finds no port.

    A single connect() looks at an even number of ports, so the last one of an odd range is found only by luck
    (net/ipv4/inet_hashtables.c). A range that is only guessed from the ports in use is never known to be full.
    """
    if clues.pools.guessed(pool):
        return False
    if pool.stamps is None and pool.free_most > pool.in_range % 2 and pool.time_wait:
        return False  # full unless its ports in TIME_WAIT can be taken over, which is not known
    return pool.free <= pool.in_range % 2 and bool(pool.used or pool.blocked or not pool.usable)


def filled_by(clues: Clues, pool: PortPool) -> str:
    """Return the kind of cause that a full pool is.

    Where nothing shows how it was bound, the errno does: EADDRINUSE is of bind(), EADDRNOTAVAIL of connect().
    """
    used, waiting = counts(clues, pool)
    if pool.blocked and pool.blocked >= used:
        return "ports-held"
    if waiting > used - waiting:
        return "time-wait"
    unsure = (pool.source, pool.backend) in clues.pools.unsure
    if pool.mode is BindMode.BIND or (unsure and clues.met("EADDRINUSE") and not clues.met("EADDRNOTAVAIL")):
        return "ports-bind"
    return "ports"


def counts(clues: Clues, pool: PortPool) -> tuple[int, int]:
    """Return the sockets of a pool and those of them in TIME_WAIT: of all its backends where they share its ports."""
    shared = [p for p in clues.pools.pools if p.source == pool.source] if pool.mode is BindMode.BIND else [pool]
    return sum(p.used for p in shared), sum(p.time_wait for p in shared)


def inferred(clues: Clues, pool: PortPool) -> bool:
    """Say whether it is known from the ports of two sources that one of them binds, and not which."""
    pair = (pool.source, pool.backend)
    return pair in clues.pools.unsure and bool(pool.blocked) and bool(clues.pools.basis.get(pair))


def not_seen(clues: Clues) -> str:
    """Return why there is no pool to look at."""
    if clues.backends:
        return "the ports towards the given backends are unknown"
    return "no outgoing connection was seen; --backend HOST:PORT gives one"


def nothing_goes_out(clues: Clues) -> Evidence | None:
    """Return that this host only accepts: its connections share the listener's port, whatever their number (tcp(7)).

    None where a connection goes out, or where nobody has looked: what was said may be of another time.
    """
    if clues.pools.pools or clues.flows or clues.opening or clues.backends:
        return None
    accepted = clues.rates.value("Tcp.CurrEstab") or 0
    if clues.examined and isinstance(clues.traffic, Traffic) and accepted >= (clues.stalled_at or 1) / 2:
        return Evidence(f"none of {accepted:,} connections goes out: they share the ports of listeners", SOCKETS)
    if clues.symptom.call == "accept":
        return Evidence("accept() takes no local port: connections share that of the listener", "--call")
    if clues.accepts:
        return Evidence("the role opens no connections: those it accepts share the port of the listener", "--role")
    return None


def which(clues: Clues, pool: PortPool) -> str:
    """Return what shows which of two sources binds, "" where that is known."""
    if not inferred(clues, pool):
        return ""
    return "which of the two programs binds: strace -f -e trace=bind,connect -p PID, and `ss -tanp` for the PID"


def elsewhere(clues: Clues, pools: Sequence[PortPool]) -> str:
    """Return how far the fullest of some pools is from its end, or what else has filled it."""
    pool = fullest(pools)
    if not is_full(clues, pool):
        return f"{room(pool)}, the fullest of all"
    by = {"ports-held": "in use by others", "time-wait": "TIME_WAIT has them", "ports-bind": "bind() chose them"}
    return f"{room(pool)}: {by.get(filled_by(clues, pool), 'connections have them')}"


def fullest(pools: Sequence[PortPool]) -> PortPool:
    """Return the pool with the smallest part free."""
    return min(pools, key=lambda pool: pool.free / max(pool.usable, 1))


def room(pool: PortPool) -> str:
    """Return how much of a pool is free, in words."""
    return f"{pool.free:,} of {pool.usable:,} ports are free from {pool.source} to {pool.backend}"


def now(pool: PortPool) -> Evidence:
    """Return how much of the fullest pool is free now: what was said is of another time, or place."""
    return Evidence(f"now {room(pool)}, the fullest of all", SOCKETS)


def taken(clues: Clues, pool: PortPool) -> tuple[Evidence, ...]:
    """Return what is known of a pool, as evidence."""
    parts = (
        (pool.established, "established"),
        (pool.time_wait, "TIME_WAIT"),
        (pool.other, "other"),
        (pool.blocked, "held by others"),
        (pool.reserved, "reserved"),
    )
    counted = ", ".join(f"{number:,} {name}" for number, name in parts if number)
    why = clues.pools.basis.get((pool.source, pool.backend), "")
    shares = [Evidence(f"{room(pool)}; {counted or 'none in use'}", SOCKETS)]
    return (*shares, *((Evidence(why, SOCKETS),) if why else ()))


def stopped(clues: Clues, pool: PortPool) -> tuple[Evidence, ...]:
    """Return that it stopped at the size of a pool, where it did."""
    if not saying.near(clues.stalled_at, pool.usable, _SLACK):
        return ()
    return (Evidence(f"it stopped at {clues.stalled_at:,}, where there are {pool.usable:,}", "--stalled-at"),)


def size_of_range(clues: Clues) -> int | None:
    """Return the ports of the range without the reserved ones; None where it could not be read."""
    ends = clues.numbers(RANGE)
    if not ends or len(ends) != 2:
        return None
    ports = span(*ends)
    return (ports & ~mask_of(clues.text("net.ipv4.ip_local_reserved_ports"))).bit_count()


def destinations(clues: Clues) -> int:
    """Return to how many (source, destination) pairs it goes, as named or as found; 0 where neither is known."""
    if clues.pools.pools:
        return len({(p.source, p.backend.address, p.backend.port) for p in clues.pools.pools})
    named = [source for source in clues.sources if source != "all"]
    return len(clues.backends) * max(len(named), 1)


def pools_at(clues: Clues) -> tuple[int, int] | None:
    """Return how many whole pools the number at which it stalled is, and their size; None where it is none.

    Where the destinations are known it can be no other number of pools.
    """
    size, number = size_of_range(clues), clues.stalled_at
    if not size or not number:
        return None
    known = destinations(clues)
    for count in (known,) if known else range(1, WIDEST + 1):
        if saying.near(number, size * count, _SLACK if known else _SLACK / count):
            return count, size
    return None


def parts(clues: Clues) -> tuple[int, ...]:
    """Return the parts of the range that may be all there is, 2 for its half.

    Only on a kernel where bind() to port 0 with SO_REUSEADDR gives no more; none on others.
    """
    old = releases.holds(releases.named("bound-port-shared"), clues.machine.kernel) is False
    return _PARTS if old else ()


def part_at(clues: Clues) -> tuple[int, int] | None:
    """Return which part of the range the number at which it stalled is, and the size of the range; None at others."""
    size = size_of_range(clues)
    if not size:
        return None
    return next(((part, size) for part in parts(clues) if saying.near(clues.stalled_at, size // part)), None)


def churn(clues: Clues) -> int | None:
    """Return how many connections a second a pool can open and close for good; None where the range is not known.

    Each keeps its port for 60 s, or until tcp_tw_reuse takes it over (net/ipv4/tcp_ipv4.c tcp_twsk_unique).
    """
    size = size_of_range(clues)
    if not size:
        return None
    many = size * max(destinations(clues), 1)
    if not reuses(clues):
        return many // kernel.TIMEWAIT_LEN
    # before Linux 6.14 there is no such setting, and the delay is a second
    return many * 1000 // max(clues.integer("net.ipv4.tcp_tw_reuse_delay") or 1000, 1)


def reuses(clues: Clues) -> bool:
    """Say whether tcp_tw_reuse is known to take over ports in TIME_WAIT on the way that the connections go."""
    reuse, stamps = clues.integer("net.ipv4.tcp_tw_reuse"), clues.integer("net.ipv4.tcp_timestamps")
    goals = [p.backend.address for p in clues.pools.pools] or [b.address for b in clues.backends]
    near = bool(goals) and all(ipaddress.ip_address(goal).is_loopback for goal in goals)
    return bool(stamps) and (reuse == 1 or (reuse == 2 and near))


def waiting(clues: Clues) -> bool:
    """Say whether sockets in TIME_WAIT outnumber the open ones and could fill a pool (/proc/net/sockstat)."""
    closed, size = clues.rates.value("sockstat.TCP.tw"), size_of_range(clues)
    if not closed or not size:
        return False
    return closed > (clues.rates.value("sockstat.TCP.inuse") or 0) and closed >= size * (1 - _OPEN)


def wider(clues: Clues) -> tuple[Fix, ...]:
    """Return what widens the range, nothing where it is wide or not known; listeners in it are reserved with it."""
    ends = _narrow(clues)
    if not ends:
        return ()
    why = (
        f"widen the range from {span(*ends).bit_count():,} ports to {span(*_WIDE).bit_count():,}, all that need no root"
    )
    return fixing.sysctl(clues, why, (RANGE, f"{_WIDE[0]} {_WIDE[1]}"), reserve=_unreserved(clues))


def _narrow(clues: Clues) -> tuple[int, ...] | None:
    ends = clues.numbers(RANGE)
    return ends if ends and len(ends) == 2 and ends[1] - ends[0] < 60_000 else None


def _unreserved(clues: Clues) -> bool:
    """Say whether a port that a listener has would be in the wider range, and nothing reserves it."""
    open_to = span(*_WIDE) & ~mask_of(clues.text("net.ipv4.ip_local_reserved_ports"))
    return any(open_to >> listener.port & 1 for listener in clues.listeners)
