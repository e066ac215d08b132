"""Epoll watches: fs.epoll.max_user_watches for each user, in all processes and namespaces together.

ep_insert (fs/eventpoll.c) counts them in the user's user_struct and says ENOSPC.
"""

from __future__ import annotations

import errno
import os
import select
from typing import Any

from hosttune.model import Reason, Unknown
from hosttune.proofs import kernel_settings
from hosttune.proofs.child import Child, Failed
from hosttune.proofs.proof_setup import Forecast, Setup
from hosttune.proofs.scene import SECONDS, Scene

RANK = 11
_BYTES = 192  # epitem and eppoll_entry, each in its slab
_EVENTFD = 1200  # bytes: file, and eventfd_ctx
_EPOLLS = 32  # of each process: with more, each watch takes longer, for the kernel looks at all epolls of a file
_UIDS = range(2_000_000_000, 2_000_100_000)
_WATCHES_A_SECOND = 700_000


def predict(setup: Setup) -> tuple[Forecast, ...]:
    """Return the host's limit, for a user of its own who has no other process."""
    limit: int | Unknown = Unknown(Reason.ABSENT, "fs.epoll.max_user_watches cannot be read")
    if setup.watches is not None:
        limit = setup.watches
    if not setup.root:
        limit = Unknown(
            Reason.UNDECIDED, "takes root: it is done as a user of its own, not to take yours away from you"
        )
    count = limit if isinstance(limit, int) else 0
    return (
        Forecast(
            id="epoll",
            what="epoll watches of a user",
            setting=f"fs.epoll.max_user_watches {setup.watches or 0:,}, a user with nothing else",
            predicted=limit,
            accepts=(count, count),
            unit="watches",
            fails=kernel_settings.failure("epoll_ctl", errno.ENOSPC),
            args={"limit": count, "uid": _UIDS[os.getpid() % len(_UIDS)]},
            seconds=0.5 + count / _WATCHES_A_SECOND,
            memory=count * _BYTES,
        ),
    )


def measure(scene: Scene, limit: int, uid: int) -> dict[str, Any]:
    """Have processes of an unused user watch descriptors in many epolls until the kernel takes no more."""
    room = kernel_settings.raise_nofile() - 64
    children: list[Child] = []
    made, failed = 0, ""
    try:
        while not failed:
            if made > 2 * limit + room:
                raise Failed("twice the limit was taken: it does not hold here")
            child = Child(lambda question: _watch(uid, **question))
            children.append(child)
            answer = child.ask(SECONDS, room=room - _EPOLLS)
            made, failed = made + answer["made"], answer["failed"]
    finally:
        for child in children:
            child.end()
    return {"measured": made, "failed": failed}


_kept: list[Any] = []


def _watch(uid: int, room: int) -> dict[str, Any]:
    """Be one process: become the user, and watch."""
    parent = os.getppid()
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    kernel_settings.die_with(parent)  # a change of the user clears it, prctl(2)
    events = [os.eventfd(0) for _ in range(min(room, 16_384))]
    made = 0
    for _ in range(_EPOLLS):
        epoll = select.epoll()
        _kept.append(epoll)
        try:
            for event in events:
                epoll.register(event, select.EPOLLIN)
                made += 1
        except OSError as error:
            return {"made": made, "failed": kernel_settings.failure("epoll_ctl", error.errno or 0)}
    return {"made": made, "failed": ""}
