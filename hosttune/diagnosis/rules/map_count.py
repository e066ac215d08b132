"""A process may have no further mapping of memory: ENOMEM of mmap(), EAGAIN where a thread was to be made of it.

mm/mmap.c, do_mmap(): mm->map_count against vm.max_map_count; a thread's stack and its guard page are two (mmap(2)).
"""

from __future__ import annotations

from hosttune.diagnosis import fixing
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Evidence, Fix, Program

RULE = Rule(
    __name__,
    "a process may have no further mapping of memory",
    failure="ENOMEM from mmap()",
    errnos=("ENOMEM", "EAGAIN"),
    calls=("mmap", "clone"),
    unit="mappings",
    log="cannot allocate memory (ENOMEM, 12) from mmap(); Java: unable to create native thread",
    confirm="`wc -l /proc/PID/maps` while it stalls, against vm.max_map_count",
    strength=72,
    rivals=("memory", "pids"),
)
_KEY = "vm.max_map_count"
_FULL = 0.97  # of the limit: mappings next to each other become one, and some are given back


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return the processes at the limit, and what a line that names it says."""
    limit = clues.integer(_KEY)
    full = [p for p in clues.programs if limit and clues.mappings.get(p.pid, 0) >= limit * _FULL]
    if full and limit:
        return tuple(_full(clues, program, limit) for program in full[:4])
    hits = [hit for hit in clues.hits(RULE.kind) if hit.causes[0] == RULE.kind]
    if hits:
        return (_written(clues, limit, max((hit.numbers.get("wanted", 0) for hit in hits), default=0)),)
    known = {pid: count for pid, count in clues.mappings.items() if limit and clues.program(pid)}
    if known and limit and (not clues.hits(RULE.kind) or clues.named):
        pid, most = max(known.items(), key=lambda item: item[1])
        return (RULE.excluded(f"{clues.program(pid)} has {most:,} mappings of {limit:,}", f"/proc/{pid}/maps, {_KEY}"),)
    if clues.hits(RULE.kind) or (RULE.met(clues) and clues.symptom.call == "mmap"):
        return (_cause(clues, Certainty.POSSIBLE, limit),)
    if RULE.met(clues) is False:
        return (RULE.instead(clues),)
    return (RULE.excluded("no mapping is known to have been refused"),)


def _full(clues: Clues, program: Program, limit: int) -> Cause:
    count = Evidence(
        f"{program} has {clues.mappings[program.pid]:,} mappings of {limit:,}", f"/proc/{program.pid}/maps"
    )
    certainty = Certainty.CERTAIN if RULE.met(clues) or clues.hits(RULE.kind) else Certainty.LIKELY
    return _cause(clues, certainty, limit, count)


def _written(clues: Clues, limit: int | None, wanted: int) -> Cause:
    """Return what a program wrote that refuses to start below a number of its own, or met the limit."""
    enough = limit is not None and wanted and limit >= wanted
    now = Evidence(f"{_KEY} is {limit:,} now", _KEY) if limit is not None else None
    if enough:
        return _cause(clues, Certainty.POSSIBLE, limit, against=now)
    return _cause(clues, Certainty.CERTAIN if wanted else Certainty.LIKELY, limit, now, wanted=wanted)


def _cause(
    clues: Clues,
    certainty: Certainty,
    limit: int | None,
    *evidence: Evidence | None,
    wanted: int = 0,
    against: Evidence | None = None,
) -> Cause:
    more = max(wanted, 2 * (limit or 65_530))
    fixes = fixing.sysctl(clues, "room for as many mappings again", (_KEY, str(more)))
    own = Fix("or fewer threads: each takes two mappings")
    return RULE.cause(clues, certainty, *evidence, at=limit, against=against, fixes=(*fixes, own))
