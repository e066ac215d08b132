"""A process at its soft limit of descriptors: the next one is EMFILE (fs/file.c, getrlimit(2))."""

from __future__ import annotations

from hosttune.diagnosis import _say
from hosttune.diagnosis._clues import Clues
from hosttune.model import Cause, Certainty, Evidence, Program

RIVALS = ("file-max", "ports", "accept-queue")
_ID = "nofile"
_WHAT = "descriptors of the process run out"
_SPARE = 2
"""Descriptors that may be free at the limit: one is opened and closed again for each client that is turned away."""

_NEAR = 0.9


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each process at its limit; without one, what errno, log and number say."""
    full = [p for p in clues.programs if p.soft is not None and p.descriptors >= p.soft - _SPARE]
    if full:
        return tuple(_full(clues, program) for program in full)
    heard, hits = clues.heard("EMFILE"), clues.hits(_ID)
    if heard is False and not hits:
        return (_say.excluded(_ID, _WHAT, "it would be EMFILE", "--errno"),)
    fits = [p for p in clues.programs if p.soft is not None and _fits(clues, p)]
    if hits or heard:
        return (_by_word(clues, fits),)
    if fits and clues.stalled_at:
        return (_by_number(clues, fits[0]),)
    if not clues.programs:
        return (_say.unseen(_ID, _WHAT, "no process was looked at; --pid, --service or --process-name names one"),)
    nearest = max(clues.programs, key=lambda p: p.descriptors / max(p.soft or 1 << 31, 1))
    if nearest.soft is None:
        return (_say.unseen(_ID, _WHAT, f"the limits of {nearest} could not be read"),)
    text = f"{nearest} has {nearest.descriptors:,} of {nearest.soft:,}, the nearest to its limit"
    return (_say.excluded(_ID, _WHAT, text, f"/proc/{nearest.pid}/limits"),)


def _fits(clues: Clues, program: Program) -> bool:
    """Say whether the number at which it stopped is what the limit allows, one or two descriptors a connection."""
    soft, number = program.soft or 0, clues.stalled_at
    return _say.near(number, soft) or _say.near(number, soft // 2)


def _limits(program: Program) -> Evidence:
    limits = f"soft limit {program.soft or 0:,}, hard {program.hard or 0:,}"
    return Evidence(
        f"{program} has {program.descriptors:,} descriptors; {limits}",
        f"/proc/{program.pid}/fd, /proc/{program.pid}/limits",
    )


def _full(clues: Clues, program: Program) -> Cause:
    return Cause(
        _ID,
        f"the descriptors of {program} run out",
        Certainty.CERTAIN,
        program.soft,
        "descriptors",
        evidence=(_limits(program), *_say.heard(clues), *_say.logged(clues, _ID)),
        log="EMFILE (24), too many open files, from accept() or socket()",
        fixes=_fixes(program),
        strength=90,
    )


def _by_number(clues: Clues, program: Program) -> Cause:
    text = f"it stopped at {clues.stalled_at:,}, where the soft limit is {program.soft:,}"
    return Cause(
        _ID,
        f"the descriptors of {program} run out",
        Certainty.LIKELY,
        program.soft,
        "descriptors",
        evidence=(Evidence(text, "--stalled-at"), _limits(program)),
        log="EMFILE (24), too many open files",
        fixes=_fixes(program),
        confirm="EMFILE in the program's log, or strace -f -e trace=accept4,socket -p PID",
        strength=70,
    )


def _by_word(clues: Clues, fits: list[Program]) -> Cause:
    told = next((n for hit in clues.hits(_ID) for n in hit.numbers.values()), None)
    known = next((p for p in clues.programs if p.soft is not None and told in (None, p.soft)), None)
    seen = fits[:1] or ([known] if known else [])
    evidence = (*_say.heard(clues), *_say.logged(clues, _ID), *(_limits(p) for p in seen))
    return Cause(
        _ID,
        f"the descriptors of {seen[0]} run out" if seen else _WHAT,
        Certainty.CERTAIN if seen or clues.hits(_ID) else Certainty.LIKELY,
        seen[0].soft if seen else told,
        "descriptors",
        evidence=evidence,
        log="EMFILE (24), too many open files",
        fixes=_fixes(seen[0] if seen else None),
        confirm="" if seen else "`grep 'open files' /proc/PID/limits` of the program itself, not of a shell",
        strength=80,
    )


def _fixes(program: Program | None) -> tuple[str, ...]:
    if program and program.soft and program.hard and program.soft < program.hard:
        own = (
            f"the hard limit is {program.hard:,}: the program set its soft limit itself (a maxconn, ulimit-n or "
            "worker_rlimit_nofile of its configuration), or never raised it"
        )
        return (
            own,
            "sudo hosttune apply --role ROLE --service UNIT, for LimitNOFILE; then restart the service",
            _say.STARTED,
        )
    return ("sudo hosttune apply --role ROLE --service UNIT, for LimitNOFILE; then restart the service", _say.STARTED)
