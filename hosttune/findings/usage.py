"""How full each limit is now: of each pool, process, listener, table, memory and control group; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hosttune.model import BindMode, GroupLimit, Listener, Pools, PortPool, Program, Unknown, Use, Value

Limits = Mapping[str, Value | Unknown]

# kind, name, the counter, the sysctl that limits it, unit
_TABLES = (
    ("conntrack", "conntrack", "conntrack.count", "net.netfilter.nf_conntrack_max", "entries"),
    ("file-max", "open files of the host", "files.open", "fs.file-max", "files"),
    ("orphans", "orphans", "sockstat.TCP.orphan", "net.ipv4.tcp_max_orphans", "sockets"),
    ("time-wait", "TIME_WAIT", "sockstat.TCP.tw", "net.ipv4.tcp_max_tw_buckets", "sockets"),
    ("neighbours", "neighbours", "arp_cache.entries", "net.ipv4.neigh.default.gc_thresh3", "entries"),
    ("threads", "tasks of the host", "tasks", "kernel.threads-max", "tasks"),
)


def uses(
    counters: Mapping[str, int],
    limits: Limits,
    *,
    pools: Pools,
    programs: Iterable[Program] = (),
    listeners: Iterable[Listener] = (),
    groups: tuple[GroupLimit, ...] | Unknown = (),
) -> tuple[Use, ...]:
    """Return every use, the nearest to its knee or limit first; what could not be counted is not among them.

    `counters` as facts/counters.py names them, `limits` sysctls by key.
    """
    every = [
        *_pools(pools),
        *(_program(program) for program in programs if program.soft is not None),
        *_listeners(listeners),
        *_tables(counters, limits),
        *_memory(counters, limits.get("net.ipv4.tcp_mem")),
        *(_group(group) for group in (groups if isinstance(groups, tuple) else ())),
    ]
    return tuple(sorted(every, key=lambda use: -use.nearness))


def _pools(pools: Pools) -> Iterator[Use]:
    """Yield a use for each pool; bind() takes a port whatever the destination, so that those of a source are one."""
    shared: dict[str, PortPool] = {}
    for pool in pools.pools:
        if pool.mode is BindMode.BIND:
            shared.setdefault(pool.source, pool)
            continue
        # where a program's own range is only guessed, its end is not known
        limit = None if pools.guessed(pool) else pool.usable
        yield _ports((pool.source, str(pool.backend)), f"ports {pool.source} -> {pool.backend}", pool, limit)
    for source, pool in shared.items():
        yield _ports((source,), f"ports of {source}, whatever the backend", pool, pool.usable)


def _ports(of: tuple[str, ...], name: str, pool: PortPool, limit: int | None) -> Use:
    taken, reads = pool.usable - pool.free, "sock_diag, net.ipv4.ip_local_port_range"
    return Use("ports", name, taken, limit, "ports", reads, pool.knee, pool.mode.value, of)


def _program(program: Program) -> Use:
    reads = f"/proc/{program.pid}/fd, /proc/{program.pid}/limits"
    name = f"descriptors of {program}"
    of = (str(program.pid),)
    return Use("nofile", name, program.descriptors, program.soft, "descriptors", reads, of=of)


def _listeners(listeners: Iterable[Listener]) -> Iterator[Use]:
    """Yield a use for each port; of sockets that share one (SO_REUSEPORT) the fullest queue, and all together."""
    ports: dict[str, list[Listener]] = {}
    for listener in listeners:
        ports.setdefault(str(listener), []).append(listener)
    for at, sharing in ports.items():
        # a queue holds one more than its backlog (include/net/sock.h sk_acceptq_is_full)
        queues = [(listener.queue, listener.backlog + 1) for listener in sharing]
        used, most = max(queues, key=lambda queue: queue[0] / queue[1])
        which = f", the fullest of {len(queues):,}" if len(queues) > 1 else ""
        yield Use("accept-queue", f"accept queue of {at}{which}", used, most, "connections", "sock_diag", of=(at,))
        if which:
            name, whole = f"all {len(queues):,} accept queues of {at}", (at, "all")
            used, most = (sum(numbers) for numbers in zip(*queues, strict=True))
            yield Use("accept-queue", name, used, most, "connections", "sock_diag", of=whole)


def _tables(counters: Mapping[str, int], limits: Limits) -> Iterator[Use]:
    for kind, name, counter, key, unit in _TABLES:
        limit = limits.get(key)
        if kind == "conntrack" and limit == 0:
            limit = None  # nf_conntrack_core.c tests the maximum only where it is not zero
        if counter in counters:
            most = limit if isinstance(limit, int | Unknown) else None
            yield Use(kind, name, counters[counter], most, unit, f"{counter}, {key}")


def _memory(counters: Mapping[str, int], tcp_mem: Value | Unknown | None) -> Iterator[Use]:
    pages = counters.get("sockstat.TCP.mem")
    if pages is not None:
        _, knee, limit = tcp_mem if isinstance(tcp_mem, tuple) and len(tcp_mem) == 3 else (None, None, None)
        most = tcp_mem if isinstance(tcp_mem, Unknown) else limit
        yield Use("tcp-mem", "TCP pages", pages, most, "pages", "sockstat TCP mem, net.ipv4.tcp_mem", knee)
    total, left = counters.get("memory.MemTotal"), counters.get("memory.MemAvailable")
    if total and left is not None:
        yield Use("memory", "memory", total - left, total, "bytes", "/proc/meminfo")


def _group(group: GroupLimit) -> Use:
    unit, what = ("bytes", "memory") if group.controller == "memory" else ("tasks", "tasks")
    name = f"{what} of {group.group.rpartition('/')[2]}"
    kind = f"cgroup-{group.controller}"
    return Use(kind, name, group.used, group.limit, unit, group.file, of=(group.group,))
