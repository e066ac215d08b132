"""Memory of control groups: the sockets of a service are charged to its group, kernel memory included (cgroups(7))."""

from __future__ import annotations

from hosttune import releases
from hosttune.capacity.facts import CapacityFacts
from hosttune.capacity.footprint import ACCEPTED_UNCHARGED, Footprint, footprint, socket
from hosttune.capacity.saying import size
from hosttune.model import Bound, GroupLimit, Remedy, Scope, Unknown


def bounds(facts: CapacityFacts) -> tuple[Bound, ...]:
    """Return a bound for each group that has a limit of memory; an unknown one where none could be read.

    Entries of conntrack, which are all that a host has of what it passes on, are charged to no group.
    """
    if facts.workload.forwards:
        return ()
    if isinstance(facts.groups, Unknown):
        return (Bound("cgroup", "control group", facts.groups, reads="cgroups(7)", scope=Scope.GROUP),)
    return tuple(_memory(facts, group) for group in facts.groups if group.controller == "memory")


def _memory(facts: CapacityFacts, limit: GroupLimit) -> Bound:
    each = footprint(facts)
    room = max(limit.limit - limit.used, 0)
    hard = facts.carried + room // each.total
    least, notes = _charged(facts, each)
    want = max((facts.workload.connections - facts.carried) * each.total, 0) + limit.used
    last = limit.group.rpartition("/")[2]
    text = f"MemoryMax={size(want)} of {last}" if "." in last else f"{size(want)} in {limit.file}"
    name = limit.file.rpartition("/")[2]
    return Bound(
        kind="cgroup-memory",
        name=f"memory of {last}",
        hard=hard,
        most=facts.carried + room // least if least < each.total else None,
        used=facts.carried or None,
        reads=f"{limit.file}, {each.total:,} bytes a connection",
        fails="the OOM killer ends a process of the group",
        remedies=(Remedy(f"cgroup:{name}/{limit.group}", want, None, "bytes", text),) if facts.short(hard) else (),
        notes=(each.why, *each.notes, *notes),
        log="Memory cgroup out of memory: Killed process",
        counter=f"{limit.file.rpartition('/')[0]}/memory.events: oom_kill" if name == "memory.max" else "",
        scope=Scope.GROUP,
        of=limit.group,
    )


def _charged(facts: CapacityFacts, each: Footprint) -> tuple[int, tuple[str, ...]]:
    """Return the least bytes that a group is charged of a connection, and what is to be said of that.

    An accepted socket is made in an interrupt and belongs to nobody then (net/ipv4/inet_connection_sock.c).
    """
    load = facts.workload
    accepted = load.sockets_per_connection - load.tuples_per_connection
    if accepted <= 0 or releases.holds(releases.named("cgroup-accept"), facts.machine.kernel) is not False:
        return each.least, ()
    free = (socket(facts).least - ACCEPTED_UNCHARGED) * accepted
    return max(each.least - free, 1), (
        f"before Linux 6.12 a group is charged {ACCEPTED_UNCHARGED:,} bytes of an accepted socket: it may allow more",
    )
