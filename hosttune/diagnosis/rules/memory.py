"""Memory runs out: of a control group, whose sockets are charged to it, or of the whole host.

mm/memcontrol.c, try_charge_memcg(), mem_cgroup_charge_skmem(); mm/oom_kill.c; cgroups(7). A socket takes about 4 KiB of
the kernel's memory, and what its program keeps for it.
"""

from __future__ import annotations

import dataclasses

from hosttune.diagnosis import kernel_lines, saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence, GroupLimit, Unknown

RIVALS = ("tcp-mem", "orphans", "pids")
_ID = "memory"
_WHAT = "memory runs out"
_ERRNOS = ("ENOMEM", "ENOBUFS", "none", "ECONNRESET", "ECONNREFUSED", "ETIMEDOUT")
_OWN = ("ENOMEM", "ENOBUFS")
_WORDS = ("ut of memory: Kill", "oom-kill")
_MEMINFO = "/proc/meminfo"
_FULL, _NEAR = 0.95, 0.9  # of a group; beyond it the kernel reclaims all the time
_LOW = 0.02  # of the host: about what the watermarks keep free (mm/page_alloc.c)
_MIB = 1 << 20


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return each group at its limit, and the host where processes are killed or none is left; else how much is."""
    heard = clues.heard(*_ERRNOS)
    groups = [one for one in _groups(clues) if one.controller == "memory"]
    found = [cause for one in groups if (cause := _of_group(clues, one, heard))]
    killed = saying.moved(clues, "vmstat.oom_kill", "/proc/vmstat")
    spoken = kernel_lines.fresh(clues, "ut of memory: Kill")
    low = _low(clues)
    if (killed or spoken) and not found:
        told = tuple(one for one in (killed, *spoken) if one)
        found.append(_cause(clues, _WHAT, Certainty.CERTAIN if killed else Certainty.LIKELY, None, told, heard))
    elif low and not found:
        certain = Certainty.LIKELY if clues.heard(*_OWN) else Certainty.POSSIBLE
        found.append(_cause(clues, _WHAT, certain, _total(clues), (low,), heard))
    if found:
        return tuple(found)
    return (_not(clues, groups, heard),)


def _groups(clues: Clues) -> tuple[GroupLimit, ...]:
    return clues.groups if isinstance(clues.groups, tuple) else ()


def _mib(number: int) -> str:
    return f"{number / _MIB:,.0f} MiB"


def _total(clues: Clues) -> int | None:
    return clues.rates.value("memory.MemTotal")


def _low(clues: Clues) -> Evidence | None:
    """Return how little is left of the host's memory, None where that is enough, or not seen."""
    total, left = _total(clues), clues.rates.value("memory.MemAvailable")
    if not total or left is None or left > total * _LOW:
        return None
    return Evidence(f"{_mib(left)} of {_mib(total)} are available", _MEMINFO)


def _refused(clues: Clues, group: GroupLimit) -> int:
    before = next((one.refused for one in clues.groups_earlier if one.file == group.file), None)
    return max(group.refused - before, 0) if group.refused is not None and before is not None else 0


def _dropped(clues: Clues) -> Evidence | None:
    """Return that data for sockets was dropped while TCP as a whole has memory enough: their group has not.

    A charge that must not wait counts in no file of the group (mm/memcontrol.c, mem_cgroup_charge_skmem()).
    """
    pages, marks = clues.rates.value("sockstat.TCP.mem"), clues.numbers("net.ipv4.tcp_mem")
    if pages is not None and marks and len(marks) == 3 and pages >= marks[1]:
        return None
    return saying.moved(clues, "TcpExt.TCPRcvQDrop", "/proc/net/netstat")


def _of_group(clues: Clues, group: GroupLimit, heard: bool | None) -> Cause | None:
    """A limit that is met while nothing can be reclaimed binds; one that is met by cache alone is daily business.

    Sockets go beyond it: the first data of each is always taken (net/core/sock.c, sk_forced_mem_schedule()).
    """
    refused = _refused(clues, group)
    share = group.used / max(group.limit, 1)
    if share < _NEAR:
        return None
    certainty = Certainty.POSSIBLE
    by_sockets = (group.sockets or 0) * 2 >= group.used
    dropped = _dropped(clues) if by_sockets else None
    if refused or dropped:
        certainty = Certainty.CERTAIN if share >= _FULL or dropped else Certainty.LIKELY
    elif clues.heard(*_OWN) or (by_sockets and share >= 1):
        certainty = Certainty.LIKELY
    directory = group.file.rpartition("/")[0]
    used = f"{group.group} has {_mib(group.used)} of {_mib(group.limit)}, the cache that can be dropped not counted"
    evidence = [Evidence(used, group.file)]
    if refused:
        text = f"it met its limit {refused:,} times in {clues.rates.seconds:,.1f} s"
        evidence.append(Evidence(text, f"{directory}/memory.events (memory.failcnt)"))
    if group.sockets:
        evidence += [dropped] if dropped else []
        evidence.append(Evidence(f"data in its sockets takes {_mib(group.sockets)} of it", f"{directory}/memory.stat"))
    what = f"the memory of the control group {group.group} runs out"
    return _cause(clues, what, certainty, group.limit, (*evidence, *kernel_lines.fresh(clues, *_WORDS)), heard)


def _cause(
    clues: Clues, what: str, certainty: Certainty, limit: int | None, evidence: tuple[Evidence, ...], heard: bool | None
) -> Cause:
    certainty = Certainty.POSSIBLE if heard is False else certainty
    return Cause(
        _ID,
        what,
        certainty,
        limit // _MIB if limit else None,
        "MiB",
        evidence=(*evidence, *saying.heard(clues), *saying.logged(clues, _ID)),
        against=saying.other(clues, heard, "ENOMEM or ENOBUFS"),
        log="ENOMEM (12) or ENOBUFS (105), or nothing: the process is killed (status 137), or its sockets stand still",
        fixes=(
            "give it more memory (MemoryMax of its service, the container's limit, the machine), or fewer connections",
            "hosttune capacity --role ROLE says how much each connection takes, in the kernel and in the program",
        ),
        confirm=""
        if certainty is Certainty.CERTAIN
        else "does oom_kill in /proc/vmstat rise, or max in memory.events of its group, while it stalls?",
        strength=74,
    )


def _not(clues: Clues, groups: list[GroupLimit], heard: bool | None) -> Cause:
    """Say how much is left; ENOMEM with memory to spare is something else, of which there are several."""
    total, left = _total(clues), clues.rates.value("memory.MemAvailable")
    own = clues.heard(*_OWN) or clues.hits(_ID)
    if own:
        killed = any("ut of memory" in hit.line for hit in clues.hits(_ID))
        spare = (Evidence(f"{_mib(left)} of {_mib(total)} are available now", _MEMINFO),) if total and left else ()
        found = _cause(clues, _WHAT, Certainty.LIKELY if killed else Certainty.POSSIBLE, None, (), heard)
        return dataclasses.replace(found, against=(*found.against, *spare))
    if heard is False:
        return saying.excluded(_ID, _WHAT, saying.instead(clues, "ENOMEM or ENOBUFS"), saying.met_where(clues))
    if isinstance(clues.groups, Unknown):
        return saying.unknown(_ID, _WHAT, clues.groups, "cat /proc/PID/cgroup, and memory.max below /sys/fs/cgroup")
    if not total or left is None:
        return saying.unknown(_ID, _WHAT, "/proc/meminfo was not seen")
    once = saying.once(clues, "vmstat.oom_kill", "/proc/vmstat")
    told = [f"{_mib(left)} of {_mib(total)} are available"]
    nearest = max(groups, key=lambda one: one.used / max(one.limit, 1), default=None)
    if nearest is not None:
        told.append(f"{nearest.group} has {_mib(nearest.used)} of {_mib(nearest.limit)}, the nearest to its limit")
    evidence = (
        Evidence("; ".join(told), _MEMINFO),
        *((once,) if once else ()),
        *kernel_lines.old(clues, "ut of memory: Kill"),
    )
    return Cause(_ID, _WHAT, Certainty.EXCLUDED, evidence=evidence)
