"""A file system is full: ENOSPC or EDQUOT of write(), which is no limit of sockets (write(2))."""

from __future__ import annotations

from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Fix

RULE = Rule(
    __name__,
    "a file system that it writes to is full, which is no limit of connections",
    failure="ENOSPC from write()",
    errnos=("ENOSPC",),
    calls=("write", "open", "send"),
    unit="bytes",
    log="no space left on device (ENOSPC, 28), from write() or open()",
    fixes=(
        Fix("make room there, or give it a larger file system: blocks, inodes (df -i) or a quota may have run out"),
    ),
    confirm="`df -h` and `df -i` of the directory that the line names; a user's quota",
    strength=40,
    rivals=("inotify", "epoll"),
)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return it where a write failed so, or where ENOSPC leaves it open; nothing that is read here would settle it."""
    met, hits = RULE.met(clues), clues.hits(RULE.kind)
    if hits or met:
        return (RULE.cause(clues, Certainty.POSSIBLE, strength=70 if _named(clues) else None),)
    if met is False:
        return (RULE.instead(clues),)
    return (RULE.excluded("no write is known to have failed"),)


def _named(clues: Clues) -> bool:
    """Say whether the words are of a write, and not of ENOSPC alone."""
    return any(hit.causes[0] == RULE.kind and hit.call for hit in clues.hits(RULE.kind))
