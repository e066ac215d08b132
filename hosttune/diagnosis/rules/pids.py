"""No further process or thread may be made: of a control group, or of the whole host.

kernel/cgroup/pids.c, pids_can_fork(); kernel/fork.c, copy_process(): EAGAIN at kernel.threads-max; kernel/pid.c,
alloc_pid(): EAGAIN at kernel.pid_max. RLIMIT_NPROC of a user gives EAGAIN too (clone(2), getrlimit(2)).
"""

from __future__ import annotations

from hosttune.diagnosis import kernel_lines, saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence, GroupLimit, Unknown

RIVALS = ("nofile", "memory", "nr-open")
_ID = "pids"
_WHAT = "no further process or thread may be made"
_WORDS = ("fork rejected",)
_HOST = ("kernel.threads-max", "kernel.pid_max")
_FULL, _NEAR = 0.99, 0.9
_WHERE = "/proc/loadavg"
_APPLY = "sudo hosttune apply --role ROLE, for"
_TASKS_MAX = "systemctl edit UNIT: TasksMax=N, then restart it; for a container, its limit of pids (--pids-limit)"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each control group, and the host, where tasks are at their limit; else what EAGAIN says."""
    heard = clues.heard("EAGAIN", calls=("clone",))
    groups = [one for one in _groups(clues) if one.controller == "pids"]
    found = [_of_group(clues, one, heard) for one in groups if one.used >= one.limit or _rejected(clues, one)]
    tasks, limit, key = _host(clues)
    if tasks is not None and limit is not None and tasks >= limit * _FULL:
        text = f"{tasks:,} tasks on the host, and {key} is {limit:,}"
        found.append(
            _cause(clues, _WHAT, Certainty.CERTAIN, limit, (Evidence(text, _WHERE),), heard, f"{_APPLY} {key}")
        )
    if found:
        return tuple(found)
    called = clues.symptom.call == "clone" or bool(clues.hits(_ID))
    spoken = kernel_lines.fresh(clues, *_WORDS)
    if spoken or (heard and called) or clues.hits(_ID):
        return (_by_word(clues, groups, spoken, heard),)
    if heard is False:
        return (saying.excluded(_ID, _WHAT, saying.instead(clues, "EAGAIN from clone()"), saying.met_where(clues)),)
    return (_not(clues, groups, tasks, limit, key),)


def _groups(clues: Clues) -> tuple[GroupLimit, ...]:
    return clues.groups if isinstance(clues.groups, tuple) else ()


def _host(clues: Clues) -> tuple[int | None, int | None, str]:
    """Return the tasks of the host, the lower of its two limits, and which that is."""
    limits = [(value, key) for key in _HOST if (value := clues.integer(key)) is not None]
    limit, key = min(limits, default=(None, ""))
    return clues.rates.value("tasks"), limit, key


def _rejected(clues: Clues, group: GroupLimit) -> int:
    """Return how often the group refused a task between the two gatherings."""
    before = next((one.refused for one in clues.groups_earlier if one.file == group.file), None)
    return max(group.refused - before, 0) if group.refused is not None and before is not None else 0


def _of_group(clues: Clues, group: GroupLimit, heard: bool | None) -> Cause:
    rejected = _rejected(clues, group)
    events = f"{group.file.rpartition('/')[0]}/pids.events"
    evidence = (
        Evidence(f"{group.group} has {group.used:,} of {group.limit:,} tasks", group.file),
        *((Evidence(f"it refused {rejected:,} in {clues.rates.seconds:,.1f} s", events),) if rejected else ()),
        *kernel_lines.fresh(clues, *_WORDS),
    )
    return _cause(
        clues,
        f"the control group {group.group} may have no further process or thread",
        Certainty.CERTAIN,
        group.limit,
        evidence,
        heard,
        _TASKS_MAX,
    )


def _by_word(clues: Clues, groups: list[GroupLimit], spoken: tuple[Evidence, ...], heard: bool | None) -> Cause:
    nearest = max(groups, key=lambda one: one.used / max(one.limit, 1), default=None)
    near = nearest is not None and nearest.used >= nearest.limit * _NEAR
    named = any("fork rejected" in hit.line for hit in clues.hits(_ID))
    evidence = spoken
    if nearest is not None:
        evidence = (
            *evidence,
            Evidence(f"{nearest.group} has {nearest.used:,} of {nearest.limit:,} tasks", nearest.file),
        )
    certainty = Certainty.LIKELY if spoken or near or named else Certainty.POSSIBLE
    limit = nearest.limit if nearest is not None and near else None
    return _cause(clues, _WHAT, certainty, limit, evidence, heard, _TASKS_MAX)


def _cause(
    clues: Clues,
    what: str,
    certainty: Certainty,
    limit: int | None,
    evidence: tuple[Evidence, ...],
    heard: bool | None,
    setting: str,
) -> Cause:
    certainty = Certainty.POSSIBLE if heard is False else certainty
    return Cause(
        _ID,
        what,
        certainty,
        limit,
        "tasks",
        evidence=(*evidence, *saying.heard(clues), *saying.logged(clues, _ID)),
        against=saying.other(clues, heard, "EAGAIN from clone()"),
        log="EAGAIN (11), resource temporarily unavailable, from fork() or pthread_create(); Java: unable to create "
        "native thread; kernel: cgroup: fork rejected by pids controller",
        fixes=(
            setting,
            "a program with a thread for each connection needs as many tasks as connections",
        ),
        confirm=""
        if certainty is Certainty.CERTAIN
        else "`systemctl status UNIT`, Tasks; and grep processes /proc/PID/limits: RLIMIT_NPROC is EAGAIN too",
        strength=76,
    )


def _not(clues: Clues, groups: list[GroupLimit], tasks: int | None, limit: int | None, key: str) -> Cause:
    if isinstance(clues.groups, Unknown):
        return saying.unknown(_ID, _WHAT, clues.groups, "cat /proc/PID/cgroup, and pids.max below /sys/fs/cgroup")
    if not clues.programs:
        return saying.unknown(_ID, _WHAT, "no process was looked at; --pid, --service or --process-name names one")
    told = [f"{tasks:,} tasks on the host, {key} is {limit:,}"] if tasks is not None and limit is not None else []
    nearest = max(groups, key=lambda one: one.used / max(one.limit, 1), default=None)
    if nearest is not None:
        told.append(f"{nearest.group} has {nearest.used:,} of {nearest.limit:,}, the nearest to its limit")
    return saying.excluded(_ID, _WHAT, "; ".join(told) or "no control group limits the tasks", _WHERE)
