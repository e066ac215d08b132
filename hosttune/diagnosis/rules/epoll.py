"""The epoll watches of a user run out: ENOSPC at epoll_ctl(), for all processes of that user together.

fs/eventpoll.c, ep_insert(): user->epoll_watches against max_user_watches; epoll(7), epoll_ctl(2).
"""

from __future__ import annotations

from hosttune.diagnosis import fixing
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule, Seen
from hosttune.model import Cause, Certainty, Evidence, Fix, Traffic

RULE = Rule(
    __name__,
    "the epoll watches of a user run out",
    failure="ENOSPC from epoll_ctl()",
    errnos=("ENOSPC",),
    calls=("epoll_ctl",),
    unit="watches",
    log="ENOSPC (28), no space left on device, from epoll_ctl()",
    confirm="strace -f -e trace=epoll_ctl,inotify_add_watch -p PID: ENOSPC from epoll_ctl is this; inotify has ENOSPC "
    "for its own limit, fs.inotify.max_user_watches, and a full disk has it too",
    rivals=("nofile", "file-max", "memory"),
)
_KEY = "fs.epoll.max_user_watches"
_BYTES = 184
"""Bytes of a watch as the kernel reckons them: fs/eventpoll.c, EP_ITEM_COST."""

_EACH = 4
"""Watches a socket at most that are reckoned with: programs put one into an epoll of each of a few threads."""


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return what ENOSPC says, and the sockets of each user: its watches are as many, or more; no file counts them."""
    limit, met = clues.integer(_KEY), RULE.met(clues)
    # of this network namespace only
    users = clues.traffic.uids if isinstance(clues.traffic, Traffic) else {}
    uid, sockets = max(users.items(), key=lambda item: item[1], default=(0, 0))
    count = None
    if limit is not None:
        text = f"user {uid} has {sockets:,} established sockets, and may have {limit:,} epoll watches"
        count = Evidence(text, f"sock_diag, /proc/net/sockstat, {_KEY}")
    if met is False:
        return (RULE.instead(clues),)
    if met or clues.hits(RULE.kind):
        return (_by_word(clues, limit, sockets, count),)
    if limit is not None and sockets >= limit:
        return (_cause(clues, Certainty.POSSIBLE, limit, count),)
    return (_not(clues, limit),)


def _by_word(clues: Clues, limit: int | None, sockets: int, count: Evidence | None) -> Cause:
    """ENOSPC has one meaning at epoll_ctl(), and three where the call is not known."""
    called = "epoll_ctl" in (clues.symptom.call, *(hit.call for hit in clues.hits(RULE.kind)))
    near = limit is not None and sockets * _EACH >= limit
    certainty = Certainty.CERTAIN if called else Certainty.LIKELY if near else Certainty.POSSIBLE
    return _cause(clues, certainty, limit, RULE.words(clues), count if sockets else None)


def _cause(clues: Clues, certainty: Certainty, limit: int | None, *evidence: Seen) -> Cause:
    memory = clues.machine.memory
    default = memory // 25 // _BYTES if memory else 0
    more = fixing.twice(clues, _KEY, limit) if limit else ()
    if limit and default > 2 * limit:
        why = f"the kernel's own default, 4 % of the memory: {default:,} watches"
        more = fixing.sysctl(clues, why, (_KEY, str(default)))
    fixes = (
        *more,
        Fix("let services run as users of their own: the limit is for each user"),
    )
    strength = 80 if certainty is not Certainty.POSSIBLE else 30
    return RULE.cause(clues, certainty, *evidence, at=limit, words=(), fixes=fixes, strength=strength)


def _not(clues: Clues, limit: int | None) -> Cause:
    """Nobody counts the watches: what is open bounds them, where it is far below the limit."""
    files = clues.rates.value("files.open")
    if limit is None:
        return RULE.unknown(f"{_KEY} could not be read")
    if files is None:
        return RULE.unknown("it was not seen how many files are open, nor how many are watched")
    text = f"the limit is {limit:,} watches a user, and the whole host has {files:,} open files"
    if files * _EACH < limit:
        return RULE.excluded(text, f"{_KEY}, /proc/sys/fs/file-nr")
    if clues.symptom.errno:
        return RULE.excluded(f"nothing failed with ENOSPC; {text}", "--errno")
    return RULE.unknown(f"no file counts the watches of a user; {text}", "ENOSPC from epoll_ctl() in the program's log")
