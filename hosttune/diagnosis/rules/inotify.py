"""A user's inotify instances (EMFILE) or watches (ENOSPC) run out: descriptors and disk have the same words.

fs/notify/inotify/inotify_user.c: inotify_new_group() counts an instance for the user who makes it, inotify_new_watch()
a watch, in each user namespace up to the first (kernel/ucount.c, inc_ucount()): fs.inotify.* is the limit of the first
one, user.max_inotify_* of the own. inotify_init(2), inotify_add_watch(2), namespaces(7).
"""

from __future__ import annotations

from dataclasses import dataclass

from hosttune.diagnosis import fixing
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Evidence, Fix, Program, Unknown, Watching

RULE = Rule(
    __name__,
    "the inotify instances or watches of a user run out",
    failure="EMFILE from inotify_init() or ENOSPC from inotify_add_watch()",
    errnos=("EMFILE", "ENOSPC"),
    calls=("inotify_init", "inotify_add_watch"),
    rivals=("nofile", "disk", "epoll"),
)
_FULL, _NEAR = 0.97, 0.5
"""Of a limit: what is full where others of the user close and open meanwhile, and what may have been full."""

_FEW = 0.9  # of a process's descriptors: below it they are not what ran out


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the two limits: its errno and call, its keys, what it counts."""

    errno: str
    call: str
    key: str
    own: str
    unit: str


_INSTANCES = _Kind("EMFILE", "inotify_init", "fs.inotify.max_user_instances", "user.max_inotify_instances", "instances")
_WATCHES = _Kind("ENOSPC", "inotify_add_watch", "fs.inotify.max_user_watches", "user.max_inotify_watches", "watches")


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return what words of watching, or an errno that leaves it open, and the user's count say."""
    causes = [cause for kind in (_INSTANCES, _WATCHES) if (cause := _of(clues, kind))]
    if causes:
        return tuple(causes)
    if RULE.met(clues) is False:
        return (RULE.instead(clues),)
    return (RULE.excluded("no call of inotify is known to have failed"),)


def _of(clues: Clues, kind: _Kind) -> Cause | None:
    hits = [hit for hit in clues.hits(RULE.kind) if hit.errno == kind.errno]
    foremost = any(hit.causes[0] == RULE.kind for hit in hits)
    called = clues.symptom.errno == kind.errno and clues.symptom.call == kind.call
    # nofile and the disk have the same errno; where only that was named, the process's descriptors may leave this one
    left = clues.symptom.errno == kind.errno and not clues.symptom.call
    left = left or any(hit.errno == kind.errno and not hit.call for hit in clues.symptom.hits)
    if not (hits or called or left):
        return None
    user, limit = _user(clues, kind), _limit(clues, kind)
    certainty = _certainty(clues, kind, foremost or called, user, limit)
    return None if certainty is None else _cause(clues, kind, certainty, user, limit)


def _certainty(
    clues: Clues, kind: _Kind, said: bool, user: Watching | None, limit: tuple[str, int] | None
) -> Certainty | None:
    """Return how sure it is; None where nothing but an errno of many meanings speaks for it.

    `said`: words or a call name a watch. Certain is only who was counted at the limit.
    """
    share = _count(kind, user) / max(limit[1], 1) if user and limit else None
    share = 1.0 if limit and limit[1] == 0 else share
    full = share is not None and share >= _FULL
    if said and full:
        return Certainty.CERTAIN
    if full:
        return Certainty.LIKELY
    if not said:
        free = _spare(clues)
        return Certainty.POSSIBLE if kind is _INSTANCES and free else None
    taken = [p for p in _mine(clues) if p.soft and p.descriptors >= p.soft * _NEAR]
    if kind is _INSTANCES and taken:
        return Certainty.POSSIBLE
    far = share is not None and share < _NEAR and user is not None and user.whole
    return Certainty.POSSIBLE if far else Certainty.LIKELY


def _mine(clues: Clues) -> tuple[Program, ...]:
    """Return the processes that were named."""
    return clues.programs if clues.named else ()


def _spare(clues: Clues) -> bool:
    """Say whether the processes that were named have descriptors left, so that another limit gave the errno."""
    known = [program for program in _mine(clues) if program.soft]
    return bool(known) and all(program.descriptors < (program.soft or 0) * _NEAR for program in known)


def _limit(clues: Clues, kind: _Kind) -> tuple[str, int] | None:
    """Return the lower of the two limits, and which it is; None where neither was read."""
    known = [(value, key) for key in (kind.key, kind.own) if (value := clues.integer(key)) is not None]
    value, key = min(known, default=(None, ""))
    return None if value is None else (key, value)


def _user(clues: Clues, kind: _Kind) -> Watching | None:
    """Return what the user of the named process has, else who has the most; None where nobody was counted."""
    if not isinstance(clues.watching, tuple):
        return None
    uids = {program.uid for program in _mine(clues)}
    own = [row for row in clues.watching if row.uid in uids] if uids else clues.watching
    if uids and not own and clues.watching and all(row.whole for row in clues.watching):
        return Watching(min(uids), 0, 0)
    return max(own, key=lambda row: _count(kind, row), default=None)


def _count(kind: _Kind, user: Watching | None) -> int:
    if user is None:
        return 0
    return user.instances if kind is _INSTANCES else user.watches


def _cause(
    clues: Clues, kind: _Kind, certainty: Certainty, user: Watching | None, limit: tuple[str, int] | None
) -> Cause:
    counted = _counted(kind, user, limit)
    near = user is not None and limit is not None and _count(kind, user) >= limit[1] * _NEAR
    speaks = counted if near or limit is None or user is None or not limit[1] else None
    return RULE.cause(
        clues,
        certainty,
        RULE.words(clues, kind.errno),
        speaks,
        *(_others(program) for program in _mine(clues)[:1] if kind is _INSTANCES and _spare(clues)),
        at=limit[1] if limit else None,
        what=f"the inotify {kind.unit} of {f'user {user.uid}' if user else 'a user'} run out",
        unit=kind.unit,
        against=() if speaks else counted,
        words=(),
        log=f"{'too many open files' if kind is _INSTANCES else 'no space left on device'}, from {kind.call}()",
        fixes=_fixes(clues, kind, user, limit),
        confirm="" if certainty is Certainty.CERTAIN else _confirm(clues, kind),
        strength=82,
    )


def _counted(kind: _Kind, user: Watching | None, limit: tuple[str, int] | None) -> Evidence | None:
    """Return how many the user has, of how many."""
    if limit is None:
        return None
    key, most = limit
    if user is None:
        return Evidence(f"{key} is {most:,}", f"/proc/sys/{key.replace('.', '/')}")
    least = "" if user.whole else "at least "
    holder = f", {user.most:,} of the instances in {user.holder}" if user.holder and user.most > 1 else ""
    text = f"user {user.uid} has {least}{_count(kind, user):,} inotify {kind.unit} of {most:,}{holder}"
    return Evidence(text, f"/proc/*/fdinfo, {key}")


def _others(program: Program) -> Evidence:
    text = f"descriptors are not what ran out: {program} has {program.descriptors:,} of {program.soft or 0:,}"
    return Evidence(text, f"/proc/{program.pid}/fd")


def _fixes(clues: Clues, kind: _Kind, user: Watching | None, limit: tuple[str, int] | None) -> tuple[Fix, ...]:
    closing = Fix("or let what makes so many share one: the limit is for all processes of the user together")
    if limit is None:
        return (Fix(f"raise {kind.key}, once `sysctl {kind.key}` has shown what it is"), closing)
    if limit[0] == kind.own:
        return (Fix(f"raise {kind.own} in the user namespace that has it so low: the lower of both counts"), closing)
    more = max(2 * limit[1], 1024 if kind is _INSTANCES else 524_288)
    why = f"more inotify {kind.unit} for each user: the kernel takes memory for what is used only"
    return (*fixing.sysctl(clues, why, (kind.key, str(more))), closing)


def _confirm(clues: Clues, kind: _Kind) -> str:
    if kind is _WATCHES:
        return f"sysctl {kind.key}; `strace -f -e trace=inotify_add_watch -p PID`: ENOSPC; or is the disk full (`df`)?"
    barred = f" ({clues.watching})" if isinstance(clues.watching, Unknown) else ""
    return (
        f"sysctl {kind.key}, and how many the user has{barred}: "
        "find /proc/[0-9]*/fd -lname anon_inode:inotify 2>/dev/null | wc -l"
    )
