"""setrlimit() asks for more descriptors than fs.nr_open: EPERM, for root too.

kernel/sys.c, do_prlimit(): a hard limit above sysctl_nr_open, whoever asks; a higher hard limit without
CAP_SYS_RESOURCE is EPERM too. fs/file.c, expand_files(): a descriptor of that number is EMFILE. setrlimit(2).
"""

from __future__ import annotations

from hosttune.diagnosis import saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence, Program

RIVALS = ("nofile", "file-max")
_ID = "nr-open"
_WHAT = "a limit of descriptors above fs.nr_open is refused"
_KEY, _WHERE = "fs.nr_open", "/proc/sys/fs/nr_open"
_SPARE = 2
"""Descriptors that may be free: one is opened and closed again for each client that is turned away."""

_WORD = 64  # the table of descriptors ends with a whole word of its bitmap (fs/file.c, alloc_fdtable())

_FIX = (
    "sudo hosttune apply --role ROLE, for fs.nr_open, before the limit is raised (LimitNOFILE, limits.conf, ulimit)",
    "or ask for no more than fs.nr_open",
)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return what EPERM and the hard limits say; without EPERM a process that has got as far, or why it is not this."""
    limit = clues.integer(_KEY)
    reached = [p for p in clues.programs if limit is not None and _reached(p, limit)]
    if reached and limit is not None:
        return tuple(_at_end(clues, program, limit) for program in reached)
    heard = clues.heard("EPERM", calls=("setrlimit",))
    if heard is False:
        text = saying.instead(clues, "EPERM from setrlimit()")
        return (saying.excluded(_ID, _WHAT, text, saying.met_where(clues)),)
    if heard or clues.hits(_ID):
        return (_refused(clues, limit),)
    if limit is not None and not clues.programs and saying.near(clues.stalled_at, limit):
        return (_by_number(clues, limit),)
    return (_silent(clues, limit),)


def _by_number(clues: Clues, limit: int) -> Cause:
    text = f"it stopped at {clues.stalled_at:,}, and no process has more descriptors than fs.nr_open"
    return Cause(
        _ID,
        _WHAT,
        Certainty.POSSIBLE,
        limit,
        "descriptors",
        evidence=(Evidence(text, "--stalled-at"), _value(limit)),
        log="setrlimit: operation not permitted (EPERM), or EMFILE (24), too many open files",
        fixes=_FIX[:1],
        confirm="`grep 'open files' /proc/PID/limits` of the program; EPERM or EMFILE in its log",
        strength=40,
    )


def _reached(program: Program, limit: int) -> bool:
    if program.soft is None or program.soft <= limit:
        return False
    return program.descriptors >= limit // _WORD * _WORD - _SPARE


def _at_end(clues: Clues, program: Program, limit: int) -> Cause:
    text = f"{program} has {program.descriptors:,} descriptors, its soft limit is {program.soft:,}"
    return Cause(
        _ID,
        f"the descriptors of {program} end at fs.nr_open, below its own limit",
        Certainty.CERTAIN,
        limit,
        "descriptors",
        evidence=(Evidence(text, f"/proc/{program.pid}/limits"), _value(limit), *saying.heard(clues)),
        log="EMFILE (24), too many open files",
        fixes=("sudo hosttune apply --role ROLE, for fs.nr_open",),
        strength=92,
    )


def _value(limit: int) -> Evidence:
    return Evidence(f"fs.nr_open is {limit:,}", _WHERE)


def _hard(program: Program) -> Evidence:
    may = {None: "", True: ", and may raise it (CAP_SYS_RESOURCE)", False: ", and may not raise it"}[program.resource]
    return Evidence(f"{program} has a hard limit of {program.hard or 0:,}{may}", f"/proc/{program.pid}/limits")


def _refused(clues: Clues, limit: int | None) -> Cause:
    """EPERM at setrlimit() has two causes: the bound, and a process that may not raise its own hard limit."""
    known = [p for p in clues.programs if p.hard is not None]
    beyond = [p for p in known if limit is not None and (p.hard or 0) >= limit]
    able = [p for p in known if p.resource]
    called = clues.symptom.call == "setrlimit" or any(hit.call == "setrlimit" for hit in clues.hits(_ID))
    shown = beyond[:1] or (able[:1] or known[:1] if clues.named else [])
    certainty = Certainty.POSSIBLE
    if called and clues.named and (beyond or (able and len(able) == len(known))):
        certainty = Certainty.CERTAIN
    elif called and beyond:
        certainty = Certainty.LIKELY
    evidence = (*saying.heard(clues), *saying.logged(clues, _ID), *map(_hard, shown))
    return Cause(
        _ID,
        _WHAT,
        certainty,
        limit,
        "descriptors",
        evidence=(*evidence, *((_value(limit),) if limit is not None else ())),
        log="setrlimit: operation not permitted (EPERM); a login that fails, where limits.conf asks for it",
        fixes=(*_FIX, *_lesser(clues, shown)),
        confirm=""
        if certainty is Certainty.CERTAIN
        else "strace -f -e trace=prlimit64,setrlimit of the start: a hard "
        "limit above fs.nr_open is always refused; one below it takes CAP_SYS_RESOURCE, or a higher limit from systemd",
        strength=75,
    )


def _lesser(clues: Clues, shown: list[Program]) -> tuple[str, ...]:
    if not any(one.resource is False for one in shown):
        return ()
    return (
        "if it asked for less than fs.nr_open: give it the hard limit where it is started (LimitNOFILE of its unit)",
    )


def _silent(clues: Clues, limit: int | None) -> Cause:
    if limit is None:
        return saying.unknown(_ID, _WHAT, f"{_KEY} could not be read")
    known = [p for p in clues.programs if p.hard is not None]
    most = max(known, key=lambda p: p.hard or 0, default=None)
    if most is None or (most.hard or 0) <= limit:
        text = f"no call was refused; {f'the highest hard limit is {most.hard:,} of {most}; ' if most else ''}"
        return saying.excluded(_ID, _WHAT, f"{text}fs.nr_open is {limit:,}", _WHERE)
    return Cause(
        _ID,
        f"fs.nr_open is below the hard limit of {most}: each setrlimit() that leaves it there is refused",
        Certainty.POSSIBLE,
        limit,
        "descriptors",
        evidence=(_hard(most), _value(limit)),
        log="setrlimit: operation not permitted (EPERM)",
        fixes=_FIX[:1],
        confirm="does the program, or its log at the start, tell of EPERM? --errno EPERM --call setrlimit",
        strength=5,
    )
