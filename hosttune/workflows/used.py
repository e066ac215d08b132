"""How much of each limit that `check` has read is taken now: of a host nothing more is asked but its counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hosttune.capacity.facts import CapacityFacts
from hosttune.facts import counts
from hosttune.host import Host
from hosttune.model import BindMode, Reading, Use


def uses(host: Host, facts: CapacityFacts) -> tuple[Use, ...]:
    """Return each use; what could not be counted is not among them."""
    return (*_tables(facts), *_sockets(host, facts.readings), *_pools(facts), *_program(facts))


def _number(readings: Mapping[str, Reading], key: str) -> int | None:
    reading = readings.get(f"sysctl:{key}")
    return reading.runtime if reading and isinstance(reading.runtime, int) else None


def _tables(facts: CapacityFacts) -> Iterator[Use]:
    rows = (
        ("file-max", "open files of the host", facts.files_open, "fs.file-max", "files"),
        ("conntrack", "conntrack", facts.tracked, "net.netfilter.nf_conntrack_max", "entries"),
        ("threads", "tasks of the host", facts.threads, "kernel.threads-max", "tasks"),
        ("neighbours", "neighbours", facts.neighbours, "net.ipv4.neigh.default.gc_thresh3", "entries"),
    )
    for id, name, used, key, unit in rows:
        limit = _number(facts.readings, key)
        # of conntrack 0 is no limit (nf_conntrack_core.c), of the others none is ever 0
        if used is not None and limit:
            yield Use(id, name, used, limit, unit, key)


def _sockets(host: Host, readings: Mapping[str, Reading]) -> Iterator[Use]:
    now = counts.sockets(host)
    orphans = _number(readings, "net.ipv4.tcp_max_orphans")
    if now.orphans is not None and orphans:
        yield Use("orphans", "orphans", now.orphans, orphans, "sockets", "net.ipv4.tcp_max_orphans")
    reading = readings.get("sysctl:net.ipv4.tcp_mem")
    pages = reading.runtime if reading else None
    if now.pages is not None and isinstance(pages, tuple) and len(pages) == 3:
        yield Use("tcp-mem", "TCP pages", now.pages, int(pages[2]), "pages", "net.ipv4.tcp_mem", int(pages[1]))


def _pools(facts: CapacityFacts) -> Iterator[Use]:
    seen = set()
    for pool in facts.pools:
        shared = pool.mode is BindMode.BIND  # bind() takes a port whatever the destination
        name = f"ports of {pool.source}" if shared else f"ports {pool.source} -> {pool.backend}"
        if name not in seen:
            seen.add(name)
            yield Use(f"ports:{name}", name, pool.usable - pool.free, pool.usable, "ports", "sock_diag", pool.knee)


def _program(facts: CapacityFacts) -> Iterator[Use]:
    process = facts.process
    limit = facts.nofile.runtime if facts.nofile else None
    soft = limit[0] if isinstance(limit, tuple) else limit
    if process and isinstance(process.descriptors, int) and isinstance(soft, int):
        name = f"descriptors of {process.name or 'process'} ({process.pid})"
        yield Use(f"nofile:{process.pid}", name, process.descriptors, soft, "descriptors", "/proc/PID/limits")
    for one in facts.groups if isinstance(facts.groups, tuple) else ():
        unit = "bytes" if one.controller == "memory" else "tasks"
        name = f"{'memory' if unit == 'bytes' else 'tasks'} of {one.group.rpartition('/')[2]}"
        yield Use(f"cgroup-{one.controller}:{one.group}", name, one.used, one.limit, unit, one.file)
