"""Memory of control groups: the sockets of a service are charged to its group, kernel memory included (cgroups(7))."""

from __future__ import annotations

from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.footprint import footprint
from hosttune.capacity.saying import size
from hosttune.model import Bound, GroupLimit, Remedy, Scope, Unknown


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return a bound for each group that has a limit of memory; an unknown one where none could be read."""
    if isinstance(facts.groups, Unknown):
        return (Bound("cgroup", "control group", facts.groups, reads="cgroups(7)", scope=Scope.GROUP),)
    return tuple(_memory(facts, group) for group in facts.groups if group.controller == "memory")


def _memory(facts: CapacityFacts, limit: GroupLimit) -> Bound:
    each = footprint(facts)
    hard = facts.carried + max(limit.limit - limit.used, 0) // each.total
    want = max((facts.workload.connections - facts.carried) * each.total, 0) + limit.used
    last = limit.group.rpartition("/")[2]
    text = f"MemoryMax={size(want)} of {last}" if "." in last else f"{size(want)} in {limit.file}"
    name = limit.file.rpartition("/")[2]
    return Bound(
        kind="cgroup-memory",
        name=f"memory of {last}",
        hard=hard,
        used=facts.carried or None,
        reads=f"{limit.file}, {each.total:,} bytes a connection",
        fails="the OOM killer ends a process of the group",
        remedies=(Remedy(f"cgroup:{name}/{limit.group}", want, None, "bytes", text),) if facts.short(hard) else (),
        notes=(each.why,),
        log="Memory cgroup out of memory: Killed process",
        counter=f"{limit.file.rpartition('/')[0]}/memory.events: oom_kill" if name == "memory.max" else "",
        scope=Scope.GROUP,
        of=limit.group,
    )
