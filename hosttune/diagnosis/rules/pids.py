"""No further process or thread may be made: of a control group, or of the whole host.

kernel/cgroup/pids.c, pids_can_fork(); kernel/fork.c, copy_process(): EAGAIN at kernel.threads-max; kernel/pid.c,
alloc_pid(): EAGAIN at kernel.pid_max. RLIMIT_NPROC of a user gives EAGAIN too (clone(2), getrlimit(2)).
"""

from __future__ import annotations

from hosttune.diagnosis import fixing, kernel_lines, limits_fixing
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, Seen
from hosttune.model import Cause, Certainty, Evidence, Fix, GroupLimit, Unknown

RULE = Rule(
    __name__,
    "no further process or thread may be made",
    failure="EAGAIN from clone()",
    errnos=("EAGAIN",),
    calls=("clone",),
    unit="tasks",
    log="EAGAIN (11), resource temporarily unavailable, from fork() or pthread_create(); Java: unable to create native "
    "thread; kernel: cgroup: fork rejected by pids controller",
    fixes=(Fix("a program with a thread for each connection needs as many tasks as connections"),),
    confirm="`systemctl status UNIT`, Tasks; and grep processes /proc/PID/limits: RLIMIT_NPROC is EAGAIN too",
    strength=76,
    rivals=("nofile", "memory", "nr-open"),
)
_WORDS = ("fork rejected",)
_HOST = ("kernel.threads-max", "kernel.pid_max")
_FULL, _NEAR = 0.99, 0.9
_WHERE = "/proc/loadavg"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each control group, and the host, where tasks are at their limit; else what EAGAIN says."""
    groups = clues.limits_of("pids")
    causes = [_of_group(clues, group) for group in groups if group.used >= group.limit or clues.refused(group)]
    causes += _of_host(clues)
    if causes:
        return tuple(causes)
    called = RULE.met(clues) and clues.symptom.call == "clone"
    if kernel_lines.fresh(clues, *_WORDS) or called or clues.hits(RULE.kind):
        return (_by_word(clues),)
    if RULE.met(clues) is False:
        return (RULE.instead(clues),)
    return (_not(clues),)


def _host(clues: Clues) -> tuple[int, int, str] | None:
    """Return how many tasks the host has, the lower of its two limits, and which that is; None where not observed."""
    limits = [(value, key) for key in _HOST if (value := clues.integer(key)) is not None]
    tasks = clues.rates.value("tasks")
    return (tasks, *min(limits)) if tasks is not None and limits else None


def _of_host(clues: Clues) -> list[Cause]:
    tasks, limit, key = _host(clues) or (0, 1, "")
    if tasks < limit * _FULL:
        return []
    full = Evidence(f"{tasks:,} tasks on the host, and {key} is {limit:,}", _WHERE)
    fixes = (*fixing.twice(clues, key, limit), *RULE.fixes[1:])
    return [_cause(clues, Certainty.CERTAIN, limit, full, fixes=fixes)]


def _count(group: GroupLimit) -> Evidence:
    return Evidence(f"{group.group} has {group.used:,} of {group.limit:,} tasks", group.file)


def _of_group(clues: Clues, group: GroupLimit) -> Cause:
    refused, events = clues.refused(group), f"{group.file.rpartition('/')[0]}/pids.events"
    refusals = Evidence(f"it refused {refused:,} in {clues.rates.seconds:,.1f} s", events) if refused else None
    spoken = kernel_lines.fresh(clues, *_WORDS)
    what = f"the control group {group.group} may have no further process or thread"
    fixes = (*limits_fixing.of_group(group), *RULE.fixes)
    return _cause(clues, Certainty.CERTAIN, group.limit, _count(group), refusals, spoken, what=what, fixes=fixes)


def _nearest(clues: Clues) -> GroupLimit | None:
    return max(clues.limits_of("pids"), key=lambda group: group.used / max(group.limit, 1), default=None)


def _by_word(clues: Clues) -> Cause:
    nearest, spoken = _nearest(clues), kernel_lines.fresh(clues, *_WORDS)
    near = nearest if nearest is not None and nearest.used >= nearest.limit * _NEAR else None
    named = any("fork rejected" in hit.line for hit in clues.hits(RULE.kind))
    certainty = Certainty.LIKELY if spoken or near or named else Certainty.POSSIBLE
    return _cause(clues, certainty, near.limit if near else None, spoken, _count(nearest) if nearest else None)


def _cause(
    clues: Clues,
    certainty: Certainty,
    limit: int | None,
    *evidence: Seen,
    what: str = "",
    fixes: tuple[Fix, ...] | None = None,
) -> Cause:
    certainty, against = RULE.doubted(clues, certainty), RULE.other(clues)
    return RULE.cause(clues, certainty, *evidence, at=limit, what=what, against=against, fixes=fixes)


def _not(clues: Clues) -> Cause:
    if isinstance(clues.groups, Unknown):
        return RULE.unknown(clues.groups, "cat /proc/PID/cgroup, and pids.max below /sys/fs/cgroup")
    if not clues.programs:
        return RULE.unknown("no process was looked at; --pid, --service or --process-name names one")
    host, nearest = _host(clues), _nearest(clues)
    counts = [f"{host[0]:,} tasks on the host, {host[2]} is {host[1]:,}"] if host else []
    if nearest is not None:
        counts.append(f"{nearest.group} has {nearest.used:,} of {nearest.limit:,}, the nearest to its limit")
    return RULE.excluded("; ".join(counts) or "no control group limits the tasks", _WHERE)
