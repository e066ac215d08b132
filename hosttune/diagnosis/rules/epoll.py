"""The epoll watches of a user run out: ENOSPC at epoll_ctl(), for all processes of that user together.

fs/eventpoll.c, ep_insert(): user->epoll_watches against max_user_watches; epoll(7), epoll_ctl(2).
"""

from __future__ import annotations

from hosttune.diagnosis import saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence, Traffic

RIVALS = ("nofile", "file-max", "memory")
_ID = "epoll"
_WHAT = "the epoll watches of a user run out"
_KEY, _WHERE = "fs.epoll.max_user_watches", "fs.epoll.max_user_watches"
_SOCKETS = "sock_diag, /proc/net/sockstat"
_EACH = 4
"""Watches a socket at most that are reckoned with: programs put one into an epoll of each of a few threads."""

_NOT_EPOLL = "inotify has ENOSPC for its own limit, fs.inotify.max_user_watches, and a full disk has it too"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return what ENOSPC says, and the sockets of each user: its watches are as many, or more; no file counts them."""
    limit, heard = clues.integer(_KEY), clues.heard("ENOSPC", calls=("epoll_ctl",))
    uid, sockets = _fullest(clues)
    over = limit is not None and sockets >= limit
    if heard is False:
        return (saying.excluded(_ID, _WHAT, saying.instead(clues, "ENOSPC from epoll_ctl()"), saying.met_where(clues)),)
    if heard or clues.hits(_ID):
        return (_by_word(clues, limit, uid, sockets),)
    if over and limit is not None:
        return (_cause(clues, Certainty.POSSIBLE, limit, (_count(uid, sockets, limit),)),)
    return (_not(clues, limit, uid, sockets),)


def _fullest(clues: Clues) -> tuple[int, int]:
    """Return the user with the most established sockets, and how many; of this network namespace only."""
    users = clues.traffic.uids if isinstance(clues.traffic, Traffic) else {}
    return max(users.items(), key=lambda item: item[1], default=(0, 0))


def _count(uid: int, sockets: int, limit: int) -> Evidence:
    return Evidence(
        f"user {uid} has {sockets:,} established sockets, and may have {limit:,} epoll watches", f"{_SOCKETS}, {_WHERE}"
    )


def _by_word(clues: Clues, limit: int | None, uid: int, sockets: int) -> Cause:
    """ENOSPC has one meaning at epoll_ctl(), and three where the call is not known."""
    called = any(call == "epoll_ctl" for call in (clues.symptom.call, *(hit.call for hit in clues.hits(_ID))))
    near = limit is not None and sockets * _EACH >= limit
    certainty = Certainty.CERTAIN if called else Certainty.LIKELY if near else Certainty.POSSIBLE
    evidence = (*saying.heard(clues), *saying.logged(clues, _ID))
    if limit is not None and sockets:
        evidence = (*evidence, _count(uid, sockets, limit))
    return _cause(clues, certainty, limit, evidence)


def _cause(clues: Clues, certainty: Certainty, limit: int | None, evidence: tuple[Evidence, ...]) -> Cause:
    memory = clues.machine.memory
    kernel = f" (the kernel's own default is 4 % of the memory, here about {memory // 25 // 184:,})" if memory else ""
    return Cause(
        _ID,
        _WHAT,
        certainty,
        limit,
        "watches",
        evidence=evidence,
        log="ENOSPC (28), no space left on device, from epoll_ctl()",
        fixes=(
            f"sudo hosttune apply --role ROLE, for {_KEY}{kernel}",
            "let services run as users of their own: the limit is for each user",
        ),
        confirm=""
        if certainty is Certainty.CERTAIN
        else f"strace -f -e trace=epoll_ctl,inotify_add_watch -p PID: ENOSPC from epoll_ctl is this; {_NOT_EPOLL}",
        strength=80 if certainty is not Certainty.POSSIBLE else 30,
    )


def _not(clues: Clues, limit: int | None, uid: int, sockets: int) -> Cause:
    """Nobody counts the watches: what is open bounds them, where it is far below the limit."""
    files = clues.rates.value("files.open")
    if limit is None:
        return saying.unknown(_ID, _WHAT, f"{_KEY} could not be read")
    if files is None:
        return saying.unknown(_ID, _WHAT, "it was not seen how many files are open, nor how many are watched")
    text = f"the limit is {limit:,} watches a user, and the whole host has {files:,} open files"
    if files * _EACH < limit:
        return saying.excluded(_ID, _WHAT, text, f"{_WHERE}, /proc/sys/fs/file-nr")
    if clues.symptom.errno:
        return saying.excluded(_ID, _WHAT, f"nothing failed with ENOSPC; {text}", "--errno")
    return saying.unknown(
        _ID, _WHAT, f"no file counts the watches of a user; {text}", "ENOSPC from epoll_ctl() in the program's log"
    )
