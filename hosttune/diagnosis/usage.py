"""How much of each limit is taken now: of each pool, process, listener, user, table and memory."""

from __future__ import annotations

from collections.abc import Iterator

from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.pool_rows import guessed
from hosttune.model import BindMode, PortPool, Traffic, Unknown, Use


def uses(clues: Clues) -> tuple[Use, ...]:
    """Return every use, the nearest to its knee or limit first."""
    found = [*_pools(clues), *_programs(clues), *_listeners(clues), *_tables(clues), *_memory(clues), *_groups(clues)]
    return tuple(sorted(found, key=lambda use: -use.nearness))


def _pools(clues: Clues) -> Iterator[Use]:
    shared: dict[str, list[PortPool]] = {}
    for pool in clues.pools.pools:
        if pool.mode is BindMode.BIND:
            shared.setdefault(pool.source, []).append(pool)
            continue
        yield Use(
            f"ports:{pool.source}->{pool.backend}",
            f"ports {pool.source} -> {pool.backend}",
            pool.usable - pool.free,
            # where a program's own range is only guessed, its end is not known
            None if guessed(clues, pool) else pool.usable,
            "ports",
            "sock_diag, net.ipv4.ip_local_port_range",
            pool.knee,
            pool.mode.value,
        )
    for source, pools in shared.items():
        first = pools[0]
        yield Use(
            f"ports:{source}",
            f"ports of {source}, whatever the backend",
            first.usable - first.free,
            first.usable,
            "ports",
            "sock_diag, net.ipv4.ip_local_port_range",
            first.knee,
            first.mode.value,
        )


def _programs(clues: Clues) -> Iterator[Use]:
    for program in clues.programs:
        if program.soft is not None:
            yield Use(
                f"nofile:{program.pid}",
                f"descriptors of {program}",
                program.descriptors,
                program.soft,
                "descriptors",
                f"/proc/{program.pid}/fd, /proc/{program.pid}/limits",
            )


def _listeners(clues: Clues) -> Iterator[Use]:
    for one in clues.traffic.listeners if isinstance(clues.traffic, Traffic) else ():
        # the queue holds one more than the backlog (include/net/sock.h sk_acceptq_is_full)
        yield Use(
            f"accept-queue:{one}", f"accept queue of {one}", one.queue, one.backlog + 1, "connections", "sock_diag"
        )


def _tables(clues: Clues) -> Iterator[Use]:
    rows = (
        ("conntrack", "conntrack", "conntrack.count", "net.netfilter.nf_conntrack_max", "entries"),
        ("file-max", "open files of the host", "files.open", "fs.file-max", "files"),
        ("orphans", "orphans", "sockstat.TCP.orphan", "net.ipv4.tcp_max_orphans", "sockets"),
        ("time-wait", "TIME_WAIT", "sockstat.TCP.tw", "net.ipv4.tcp_max_tw_buckets", "sockets"),
        ("neighbours", "neighbours", "arp_cache.entries", "net.ipv4.neigh.default.gc_thresh3", "entries"),
        ("threads", "tasks of the host", "tasks", "kernel.threads-max", "tasks"),
    )
    for id, name, counter, key, unit in rows:
        used = clues.rates.value(counter)
        if used is None:
            continue
        limit = clues.limits.get(key)
        if id == "conntrack" and limit == 0:
            limit = None  # nf_conntrack_core.c tests the maximum only where it is not zero
        yield Use(id, name, used, limit if isinstance(limit, int | Unknown) else None, unit, f"{counter}, {key}")
    pages, told = clues.rates.value("sockstat.TCP.mem"), clues.limits.get("net.ipv4.tcp_mem")
    if pages is not None:
        limit = told[2] if isinstance(told, tuple) and len(told) == 3 else told if isinstance(told, Unknown) else None
        knee = told[1] if isinstance(told, tuple) and len(told) == 3 else None
        yield Use("tcp-mem", "TCP pages", pages, limit, "pages", "sockstat TCP mem, net.ipv4.tcp_mem", knee)


def _memory(clues: Clues) -> Iterator[Use]:
    total, left = clues.rates.value("memory.MemTotal"), clues.rates.value("memory.MemAvailable")
    if total and left is not None:
        yield Use("memory", "memory", total - left, total, "bytes", "/proc/meminfo")


def _groups(clues: Clues) -> Iterator[Use]:
    for one in clues.groups if isinstance(clues.groups, tuple) else ():
        unit = "bytes" if one.controller == "memory" else "tasks"
        name = f"{'memory' if unit == 'bytes' else 'tasks'} of {one.group.rpartition('/')[2]}"
        yield Use(f"cgroup-{one.controller}:{one.group}", name, one.used, one.limit, unit, one.file)
