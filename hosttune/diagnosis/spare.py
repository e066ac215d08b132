"""Processes that have most of their descriptors left: their limit is not what a call met, another one is."""

from __future__ import annotations

from hosttune.diagnosis import limits_fixing
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Evidence, Fix, LogHit, Program

_TRACE = "strace -f -e trace=accept4,socket,inotify_init1 -p"


def free(program: Program) -> tuple[Evidence, ...]:
    """Return that a process has more than half of its descriptors left, where that is so."""
    if program.soft is None or program.descriptors >= program.soft // 2:
        return ()
    return (Evidence(f"now {program} has {program.descriptors:,} of {program.soft:,}", f"/proc/{program.pid}/limits"),)


def far(rule: Rule, clues: Clues) -> tuple[Program, ...]:
    """Return the processes that were named, or have the name of who wrote, where each of them has descriptors left.

    () too where nothing but a number asks for the limit.
    """
    hits = _hits(rule, clues)
    if not (rule.met(clues) or hits):
        return ()
    names = {hit.program for hit in hits}
    mine = [p for p in clues.programs if p.soft is not None and (clues.named or p.name in names)]
    return tuple(mine) if mine and all(free(program) for program in mine) else ()


def elsewhere(rule: Rule, clues: Clues, programs: tuple[Program, ...], wanted: int) -> tuple[Cause, ...]:
    """Return that these processes do not run out, and whose descriptors may; a log that is older may be of them.

    `wanted` is how many descriptors a line says that the program asked for, 0 where none does.
    """
    nearest = max(programs, key=lambda program: program.descriptors / max(program.soft or 1, 1))
    hits = _hits(rule, clues)
    if hits and not clues.symptom.errno and _older(hits, nearest):
        return (_before(rule, clues, nearest, wanted),)
    excluded = rule.excluded(free(nearest), what=f"the descriptors of {nearest} run out")
    if hits and all(hit.causes[0] != rule.kind for hit in hits) and not clues.symptom.errno:
        return (excluded,)
    return (excluded, _of_another(rule, clues, nearest))


def _hits(rule: Rule, clues: Clues) -> tuple[LogHit, ...]:
    """Return the lines that may tell of a descriptor that could not be had."""
    return tuple(hit for hit in clues.hits(rule.kind) if hit.call != "setrlimit")


def _older(hits: tuple[LogHit, ...], program: Program) -> bool:
    return bool(program.started) and all(hit.written and hit.written < (program.started or 0) for hit in hits)


def _before(rule: Rule, clues: Clues, program: Program, wanted: int) -> Cause:
    older = Evidence(
        f"the log is older than {program}, which has started since: it may have had another limit", "--log"
    )
    return rule.cause(
        clues,
        Certainty.POSSIBLE,
        rule.words(clues, "EMFILE"),
        older,
        at=program.soft,
        what=f"the descriptors of {program.name} ran out before it was started again",
        against=free(program),
        words=(),
        fixes=limits_fixing.nofile(clues, program, wanted),
        confirm=f"a log of {program} as it runs now; {_TRACE} {program.pid} while it fails",
        strength=50,
    )


def _of_another(rule: Rule, clues: Clues, named: Program) -> Cause:
    return rule.cause(
        clues,
        Certainty.POSSIBLE,
        rule.words(clues, "EMFILE"),
        what=f"descriptors of another process than {named} run out, or its own did before its load fell",
        against=free(named),
        words=(),
        fixes=(Fix("find whose they are first; with --pid the report shows how to increase its limit"),),
        confirm="whose it is: a child or a worker (--pid of each), the proxy of the container's engine; "
        f"`grep 'open files' /proc/PID/limits` of it, and {_TRACE} PID while it fails",
        strength=50,
    )
