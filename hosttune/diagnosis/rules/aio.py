"""The events of asynchronous I/O of the host run out: EAGAIN of io_setup() (io_setup(2), fs/aio.c, ioctx_alloc())."""

from __future__ import annotations

from hosttune.diagnosis import fixing
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Evidence, Fix

RULE = Rule(
    __name__,
    "the events of asynchronous I/O of the whole host run out",
    failure="EAGAIN from io_setup()",
    errnos=("EAGAIN",),
    calls=("io_setup",),
    unit="events",
    log="io_setup() failed (EAGAIN, 11: resource temporarily unavailable)",
    confirm="`sysctl fs.aio-nr fs.aio-max-nr` while it stalls",
    strength=72,
    rivals=("pids", "memory"),
)
_KEY, _NOW = "fs.aio-max-nr", "fs.aio-nr"
_NEAR, _FAR = 0.9, 0.5
"""Of the limit: one call asks for thousands at once, so it fails with some left; below half it was at another time."""


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return what EAGAIN of that very call says, and how many events are reserved now."""
    limit, used = clues.integer(_KEY), clues.integer(_NOW)
    named = clues.symptom.errno == "EAGAIN" and clues.symptom.call == "io_setup"
    if not (named or clues.hits(RULE.kind)):
        return (
            RULE.instead(clues)
            if RULE.met(clues) is False
            else RULE.excluded("io_setup() is not known to have failed"),
        )
    share = used / max(limit, 1) if limit is not None and used is not None else None
    count = Evidence(f"{used:,} events are reserved of {limit:,}", f"{_NOW}, {_KEY}") if share is not None else None
    far = share is not None and share < _FAR
    certainty = Certainty.LIKELY if far else Certainty.CERTAIN
    more = fixing.sysctl(clues, "room for twice the events", (_KEY, str(max(2 * (limit or 65_536), 1_048_576))))
    own = Fix("or fewer of the processes that reserve them: databases and web servers with `aio`")
    return (
        RULE.cause(
            clues,
            certainty,
            None if far else count,
            at=limit,
            against=count if far else None,
            fixes=(*more, own),
            confirm=RULE.confirm if far else "",
        ),
    )
