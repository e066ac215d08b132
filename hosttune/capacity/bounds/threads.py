"""Threads of servers that start some for each connection (kernel/fork.c, kernel/pid.c, mm/mmap.c)."""

from __future__ import annotations

from hosttune import kernel
from hosttune.capacity import saying
from hosttune.capacity.facts import CapacityFacts
from hosttune.model import Bound, GroupLimit, Remedy, Scope, Unknown

_RESERVED = 300  # RESERVED_PIDS, kernel/pid.c: not given out again once the numbers have wrapped around
_HIGHEST = {"kernel.pid_max": kernel.PID_MAX_LIMIT}
_MAPS = 2  # a thread's stack and its guard page


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return the bounds of tasks, of their numbers, of the program's maps, and of tasks in its control groups."""
    if not facts.workload.threads_per_connection:
        return ()
    groups = facts.groups if isinstance(facts.groups, tuple) else ()
    return (
        _of(facts, "threads-max", "kernel.threads-max", _others(facts), 1, "threads"),
        _of(facts, "pid-max", "kernel.pid_max", _others(facts) + _RESERVED, 1, "ids"),
        _of(facts, "map-count", "vm.max_map_count", 0, _MAPS, "maps"),
        *(_group(facts, group) for group in groups if group.controller == "pids"),
    )


def _others(facts: CapacityFacts) -> int:
    return max((facts.threads or 0) - facts.carried * facts.workload.threads_per_connection, 0)


def _of(facts: CapacityFacts, name: str, key: str, taken: int, each: int, unit: str) -> Bound:
    limit = facts.integer(key)
    per = facts.workload.threads_per_connection * each
    hard: int | Unknown | None = max(limit - taken, 0) // per if isinstance(limit, int) else limit
    want = facts.workload.connections * per + taken
    notes = ("the program's own maps come on top",) if each == _MAPS else ()
    return Bound(
        kind=name,
        name=key,
        hard=hard,
        used=facts.carried or None,
        reads=f"{key}, {per:,} {unit} a connection",
        fails="mmap: ENOMEM (12)" if each == _MAPS else "clone: EAGAIN (11)",
        remedies=saying.sysctl(key, want, unit, _HIGHEST.get(key, saying.INT)) if facts.short(hard) else (),
        notes=notes,
    )


def _group(facts: CapacityFacts, limit: GroupLimit) -> Bound:
    per = facts.workload.threads_per_connection
    taken = max(limit.used - facts.carried * per, 0)
    hard = max(limit.limit - taken, 0) // per
    want = facts.workload.connections * per + taken
    last = limit.group.rpartition("/")[2]
    text = f"TasksMax={want:,} of {last}" if "." in last else f"{limit.file}={want:,}"
    return Bound(
        kind="cgroup-pids",
        name=f"tasks of {last}",
        hard=hard,
        used=facts.carried or None,
        reads=limit.file,
        fails="clone: EAGAIN (11)",
        remedies=(Remedy(f"cgroup:pids.max/{limit.group}", want, None, "tasks", text),) if facts.short(hard) else (),
        log="cgroup: fork rejected by pids controller",
        counter=f"{limit.file.rpartition('/')[0]}/pids.events: max",
        scope=Scope.GROUP,
        of=limit.group,
    )
