"""Source ports: how many connections the tuples towards the backends allow (net/ipv4/inet_hashtables.c)."""

from __future__ import annotations

from hosttune.capacity._facts import CapacityFacts
from hosttune.model import BindMode, Bound, PortPool, Reading, Unknown
from hosttune.ports import mask_of, span

_FULL = 64512  # 1024 to 65535, both included: what an ordinary host can open at the most
_FAILS = {
    BindMode.CONNECT: "connect: EADDRNOTAVAIL (99)",
    BindMode.NO_PORT: "connect: EADDRNOTAVAIL (99)",
    BindMode.BIND: "bind: EADDRINUSE (98)",
    BindMode.EXPLICIT: "bind: EADDRINUSE (98), or connect: EADDRNOTAVAIL (99)",
}


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return a bound for each backend, and one for all; for one pool of the range where no backend was named."""
    if not facts.workload.tuples_per_connection:
        return ()
    if not facts.pools:
        return _one_pool(facts)
    by_backend: dict[str, list[PortPool]] = {}
    for pool in facts.pools:
        by_backend.setdefault(str(pool.backend), []).append(pool)
    if facts.pools[0].mode is BindMode.BIND:
        # bind(src, 0) takes a port whatever the backend: a share of each backend would count the port once for each
        return (_total(facts),)
    each = [_backend(facts, name, pools) for name, pools in by_backend.items()]
    return (_total(facts), *each)


def _total(facts: CapacityFacts) -> Bound:
    """Connections are spread evenly over the backends, so the narrowest is full first."""
    per = facts.workload.tuples_per_connection
    mode = facts.pools[0].mode
    if mode is BindMode.BIND:
        # a source's ports are shared by all destinations: count each source once
        once = {pool.source: pool for pool in facts.pools}.values()
        used = sum(p.used for p in facts.pools)
        hard, knee = used + sum(p.free for p in once), sum(p.knee or 0 for p in once)
        where = f"{len(once)} source address{'es' * (len(once) > 1)}, whatever the backend"
    else:
        hard = sum(p.used + p.free for p in facts.pools)
        used = sum(p.used for p in facts.pools)
        knee = sum(p.knee or 0 for p in facts.pools)
        pairs = len(facts.pools)
        where = f"{pairs} pair{'s' * (pairs > 1)} of source address and backend"
    return Bound(
        id="ports:all",
        name="source ports towards all backends",
        hard=hard // per,
        knee=knee // per if knee else None,
        used=used // per,
        reads=f"ip_local_port_range, reserved and held ports, sockets: {where}",
        fails=_FAILS[mode],
        raised_by=_raise(facts.workload.connections * per, hard, facts.pools),
    )


def _backend(facts: CapacityFacts, name: str, pools: list[PortPool]) -> Bound:
    hard = sum(p.used + p.free for p in pools)
    knee = sum(p.knee or 0 for p in pools)
    share = len({str(p.backend) for p in facts.pools})
    return Bound(
        id=f"ports:{name}",
        name=f"ports {name}",
        hard=hard * share // facts.workload.tuples_per_connection,
        knee=knee * share // facts.workload.tuples_per_connection or None,
        used=sum(p.used for p in pools) * share // facts.workload.tuples_per_connection,
        reads=f"{hard:,} ports from {len(pools)} source address{'es' * (len(pools) > 1)}",
        notes=(f"reckoned for all {share} backends, sharing evenly",) if share > 1 else (),
        fails=_FAILS[pools[0].mode],
        raised_by=_raise(
            -(-facts.workload.connections * facts.workload.tuples_per_connection // share), hard, tuple(pools)
        ),
    )


def _raise(want: int, hard: int, pools: tuple[PortPool, ...]) -> str:
    if hard >= want:
        return ""
    sources = len({p.source for p in pools})
    backends = len({str(p.backend) for p in pools}) if pools[0].mode is not BindMode.BIND else 1
    usable = min(p.usable for p in pools)
    wide = max(usable, _FULL - max(p.reserved + p.blocked for p in pools))
    # half of the range is where each connect() begins to search: stay below it where the mode has a knee
    each = wide // 2 if pools[0].knee else wide
    need = -(-want // max(each * backends, 1))
    more = max(need - sources, 0)
    parts = [f"{more} more source address{'es' * (more > 1)}"] if more else []
    if usable < wide:
        parts.append("range 1024 65535")
    return ", ".join(parts)


def _one_pool(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Without backends only the size of one pool is known: one source address towards one backend."""
    size = _range_size(facts.readings.get("sysctl:net.ipv4.ip_local_port_range"))
    reserved = facts.readings.get("sysctl:net.ipv4.ip_local_reserved_ports")
    per = facts.workload.tuples_per_connection
    limit: int | Unknown | None = size if isinstance(size, Unknown) else None
    knee: int | None = None
    want = facts.workload.connections * per
    raised = ""
    if isinstance(size, tuple):
        limit = count = (size[1] - size[0] + 1 - _inside(reserved, size)) // per
        knee = count // 2 if facts.workload.bind_mode is not BindMode.EXPLICIT else None
        each = _FULL // 2 if knee else _FULL
        pairs = -(-want // each)
        raised = f"{pairs:,} pairs of source and backend, range 1024 65535" if count < want else ""
    return (
        Bound(
            id="ports:one-pool",
            name="source ports, one backend from one address",
            hard=limit,
            knee=knee,
            used=None,
            reads="net.ipv4.ip_local_port_range, ip_local_reserved_ports",
            fails=_FAILS[facts.workload.bind_mode],
            raised_by=raised,
            notes=("name the backends with --backend HOST:PORT to have the tuples counted",),
        ),
    )


def _range_size(reading: Reading | None) -> tuple[int, int] | Unknown | None:
    if reading is None:
        return None
    for layer in (reading.runtime, reading.boot):
        if isinstance(layer, tuple) and len(layer) == 2 and 0 < layer[0] <= layer[1] <= 65535:
            return (layer[0], layer[1])
    return reading.runtime if isinstance(reading.runtime, Unknown) else None


def _inside(reading: Reading | None, ports: tuple[int, int]) -> int:
    """Count the reserved ports within the range, each once; those of the next boot where nothing runs."""
    if reading is None:
        return 0
    text = str(next((v for v in (reading.runtime, reading.boot) if not isinstance(v, Unknown)), ""))
    return (mask_of(text) & span(*ports)).bit_count()
