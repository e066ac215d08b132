"""Memory runs out: of a control group, whose sockets are charged to it, or of the whole host.

mm/memcontrol.c, try_charge_memcg(), mem_cgroup_charge_skmem(); mm/oom_kill.c; cgroups(7). A socket takes about 4 KiB of
the kernel's memory, and what its program keeps for it.
"""

from __future__ import annotations

from hosttune.diagnosis import kernel_lines, limits_fixing, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, Seen, some
from hosttune.model import Cause, Certainty, Evidence, Fix, GroupLimit, Unknown

RULE = Rule(
    __name__,
    "memory runs out",
    failure="ENOMEM or ENOBUFS",
    errnos=("ENOMEM", "ENOBUFS", "none", "ECONNRESET", "ECONNREFUSED", "ETIMEDOUT"),
    unit="MiB",
    log="ENOMEM (12) or ENOBUFS (105), or nothing: the process is killed (status 137), or its sockets stand still",
    fixes=(
        Fix("give it more memory (MemoryMax of its service, the container's limit, the machine), or fewer connections"),
        Fix("`hosttune capacity` says how much each connection takes, in the kernel and in the program"),
    ),
    confirm="does oom_kill in /proc/vmstat rise, or max in memory.events of its group, while it stalls?",
    strength=74,
    rivals=("tcp-mem", "orphans", "pids"),
)
_OWN = ("ENOMEM", "ENOBUFS")
_KILLED = "ut of memory: Kill"
_OF_GROUP = "emory cgroup out of memory"
_LARGER = (
    Fix("raise that group's limit: MemoryMax of the unit, --memory of the container, resources.limits.memory of a pod"),
)
_MEMINFO = "/proc/meminfo"
_FULL, _NEAR = 0.95, 0.9  # of a group; beyond it the kernel reclaims all the time
_LOW = 0.02  # of the host: about what the watermarks keep free (mm/page_alloc.c)
_MIB = 1 << 20


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return each group at its limit, and the host where processes are killed or none is left; else how much is."""
    causes = tuple(cause for group in clues.limits_of("memory") if (cause := _of_group(clues, group)))
    if causes:
        return causes
    total, left = clues.rates.value("memory.MemTotal"), clues.rates.value("memory.MemAvailable")
    killed = saying.moved(clues, "vmstat.oom_kill", "/proc/vmstat")
    kills = some(killed, kernel_lines.fresh(clues, _KILLED))
    free = Evidence(f"{_mib(left)} of {_mib(total)} are available", _MEMINFO) if total and left is not None else None
    if kills:
        return (_cause(clues, Certainty.CERTAIN if killed else Certainty.LIKELY, kills),)
    if total and left is not None and left <= total * _LOW:
        return (_cause(clues, Certainty.LIKELY if clues.met(*_OWN) else Certainty.POSSIBLE, free, limit=total),)
    return (_not(clues, free if left else None, free),)


def _mib(number: int) -> str:
    return f"{number / _MIB:,.0f} MiB"


def _dropped(clues: Clues) -> Evidence | None:
    """Return that data for sockets was dropped while TCP as a whole has memory enough: their group has not.

    A charge that must not wait counts in no file of the group (mm/memcontrol.c, mem_cgroup_charge_skmem()).
    """
    pages, marks = clues.rates.value("sockstat.TCP.mem"), clues.numbers("net.ipv4.tcp_mem")
    if pages is not None and marks and len(marks) == 3 and pages >= marks[1]:
        return None
    return saying.moved(clues, "TcpExt.TCPRcvQDrop", "/proc/net/netstat")


def _of_group(clues: Clues, group: GroupLimit) -> Cause | None:
    """A limit that is met while nothing can be reclaimed binds; one that is met by cache alone is daily business.

    Sockets go beyond it: the first data of each is always taken (net/core/sock.c, sk_forced_mem_schedule()).
    """
    refused, share = clues.refused(group), group.used / max(group.limit, 1)
    if share < _NEAR:
        return None
    by_sockets = (group.sockets or 0) * 2 >= group.used
    dropped = _dropped(clues) if by_sockets else None
    certainty = Certainty.POSSIBLE
    if refused or dropped:
        certainty = Certainty.CERTAIN if share >= _FULL or dropped else Certainty.LIKELY
    elif clues.met(*_OWN) or (by_sockets and share >= 1):
        certainty = Certainty.LIKELY
    directory = group.file.rpartition("/")[0]
    used = f"{group.group} has {_mib(group.used)} of {_mib(group.limit)}, the cache that can be dropped not counted"
    met = f"it met its limit {refused:,} times in {clues.rates.seconds:,.1f} s"
    data = f"data in its sockets takes {_mib(group.sockets or 0)} of it"
    return _cause(
        clues,
        certainty,
        Evidence(used, group.file),
        Evidence(met, f"{directory}/memory.events (memory.failcnt)") if refused else None,
        dropped if group.sockets else None,
        Evidence(data, f"{directory}/memory.stat") if group.sockets else None,
        kernel_lines.fresh(clues, _KILLED, "oom-kill"),
        limit=group.limit,
        what=f"the memory of the control group {group.group} runs out",
        fixes=limits_fixing.of_group(group),
    )


def _cause(
    clues: Clues,
    certainty: Certainty,
    *evidence: Seen,
    limit: int | None = None,
    what: str = "",
    against: Seen = (),
    fixes: tuple[Fix, ...] = (),
) -> Cause:
    return RULE.cause(
        clues,
        RULE.doubted(clues, certainty),
        *evidence,
        at=limit // _MIB if limit else None,
        what=what,
        against=some(RULE.other(clues), against),
        fixes=(*fixes, *RULE.fixes),
    )


def _not(clues: Clues, spare: Evidence | None, free: Evidence | None) -> Cause:
    """Say how much is left; ENOMEM with memory to spare is something else, of which there are several."""
    hits = clues.hits(RULE.kind)
    if clues.met(*_OWN) or hits:
        killed = any(_KILLED in hit.line for hit in hits)  # in musl's words ENOMEM of a call is "Out of memory" too
        group = any(_OF_GROUP in hit.line for hit in hits)
        now = Evidence(f"{spare.text} now", spare.where) if spare and not group else None
        what = "a control group is at its limit of memory, and the kernel kills in it" if group else ""
        certainty = Certainty.LIKELY if killed else Certainty.POSSIBLE
        return _cause(clues, certainty, what=what, against=now, fixes=_LARGER if group else ())
    if RULE.met(clues) is False:
        return RULE.instead(clues)
    if isinstance(clues.groups, Unknown):
        return RULE.unknown(clues.groups, "cat /proc/PID/cgroup, and memory.max below /sys/fs/cgroup")
    if not free:
        return RULE.unknown("/proc/meminfo was not seen")
    nearest = max(clues.limits_of("memory"), key=lambda group: group.used / max(group.limit, 1), default=None)
    text = free.text
    if nearest is not None:
        text += f"; {nearest.group} has {_mib(nearest.used)} of {_mib(nearest.limit)}, the nearest to its limit"
    once = saying.once(clues, "vmstat.oom_kill", "/proc/vmstat")
    return RULE.excluded(text, _MEMINFO, once, kernel_lines.old(clues, _KILLED))
