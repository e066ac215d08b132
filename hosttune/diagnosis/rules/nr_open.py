"""setrlimit() asks for more descriptors than fs.nr_open: EPERM, for root too.

kernel/sys.c, do_prlimit(): a hard limit above sysctl_nr_open, whoever asks; a higher hard limit without
CAP_SYS_RESOURCE is EPERM too. fs/file.c, expand_files(): a descriptor of that number is EMFILE. setrlimit(2).
"""

from __future__ import annotations

from hosttune.diagnosis import fixing, raising, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.raising import By
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Evidence, Fix, Program

RULE = Rule(
    __name__,
    "a limit of descriptors above fs.nr_open is refused",
    failure="EPERM from setrlimit()",
    errnos=("EPERM",),
    calls=("setrlimit",),
    unit="descriptors",
    fixes=(Fix("or ask for no more than fs.nr_open"),),
    confirm="strace -f -e trace=prlimit64,setrlimit of the start: a hard limit above fs.nr_open is always refused; one "
    "below it takes CAP_SYS_RESOURCE, or a higher limit from systemd",
    rivals=("nofile", "file-max"),
)
_KEY, _WHERE = "fs.nr_open", "/proc/sys/fs/nr_open"
_SPARE = 2
"""Descriptors that may be free: one is opened and closed again for each client that is turned away."""

_WORD = 64  # the table of descriptors ends with a whole word of its bitmap (fs/file.c, alloc_fdtable())
_REFUSED = "setrlimit: operation not permitted (EPERM)"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return what EPERM and the hard limits say; without EPERM a process that has got as far, or why it is not this."""
    limit = clues.integer(_KEY)
    reached = [p for p in clues.programs if limit is not None and _reached(p, limit)]
    if reached and limit is not None:
        return tuple(_at_end(clues, program, limit) for program in reached)
    met = RULE.met(clues)
    if met is False:
        return (RULE.instead(clues),)
    if raising.met(clues):
        return (_by_numbers(clues, limit),)
    if met or clues.hits(RULE.kind):
        return (_refused(clues, limit),)
    if limit is not None and not clues.programs and saying.near(clues.stalled_at, limit):
        return (_by_number(clues, limit),)
    return (_silent(clues, limit),)


def _by_numbers(clues: Clues, limit: int | None) -> Cause:
    """Hold what was asked for against the bound: it decides, wherever it is known."""
    refused = raising.refusal(clues)
    if refused.by is By.OPEN or (refused.by is By.CEILING and refused.wanted is None):
        return _refused(clues, limit)
    if refused.by is not By.CEILING:
        return RULE.excluded(raising.below_ceiling(refused) or "the program itself says which limit it has", "--log")
    beyond = (refused.wanted or 0) > (limit or 0)
    return RULE.cause(
        clues,
        Certainty.CERTAIN,
        raising.asked(refused) if beyond else raising.hard_limit(refused),
        _value(limit),
        RULE.words(clues),
        at=limit,
        words=(),
        log=f"{_REFUSED}; a login that fails, where limits.conf asks for it",
        strength=75,
    )


def _by_number(clues: Clues, limit: int) -> Cause:
    text = f"it stopped at {clues.stalled_at:,}, and no process has more descriptors than fs.nr_open"
    return RULE.cause(
        clues,
        Certainty.POSSIBLE,
        Evidence(text, "--stalled-at"),
        _value(limit),
        at=limit,
        words=(),
        log=f"{_REFUSED}, or EMFILE (24), too many open files",
        fixes=_raised(clues, 0),
        confirm="`grep 'open files' /proc/PID/limits` of the program; EPERM or EMFILE in its log",
        strength=40,
    )


def _raised(clues: Clues, wanted: int) -> tuple[Fix, ...]:
    """Return what lets a process have as many as it asks for; twice as many as now where that is not known."""
    limit = clues.integer(_KEY)
    if limit is None:
        return (Fix("a greater fs.nr_open, before the limit is raised (LimitNOFILE, limits.conf, ulimit)"),)
    if wanted <= limit:
        return fixing.twice(clues, _KEY, limit, "; before the limit itself is raised")
    return fixing.sysctl(clues, f"allow the {wanted:,} that are requested", (_KEY, str(wanted)))


def _wanted(clues: Clues) -> int:
    """Return how many a line says that a program asked for, 0 where none does."""
    return max((hit.numbers.get("wanted", 0) for hit in clues.hits(RULE.kind)), default=0)


def _reached(program: Program, limit: int) -> bool:
    if program.soft is None or program.soft <= limit:
        return False
    return program.descriptors >= limit // _WORD * _WORD - _SPARE


def _at_end(clues: Clues, program: Program, limit: int) -> Cause:
    text = f"{program} has {program.descriptors:,} descriptors, its soft limit is {program.soft:,}"
    return RULE.cause(
        clues,
        Certainty.CERTAIN,
        Evidence(text, f"/proc/{program.pid}/limits"),
        _value(limit),
        at=limit,
        what=f"the descriptors of {program} end at fs.nr_open, below its own limit",
        words=saying.named(clues),
        log="EMFILE (24), too many open files",
        fixes=_raised(clues, program.soft or 0),
        strength=92,
    )


def _value(limit: int | None) -> Evidence | None:
    return None if limit is None else Evidence(f"fs.nr_open is {limit:,}", _WHERE)


def _hard(program: Program) -> Evidence:
    may = {
        None: "",
        True: ", and is allowed to increase it (CAP_SYS_RESOURCE)",
        False: ", and is not allowed to increase it",
    }[program.resource]
    return Evidence(f"{program} has a hard limit of {program.hard or 0:,}{may}", f"/proc/{program.pid}/limits")


def _refused(clues: Clues, limit: int | None) -> Cause:
    """EPERM at setrlimit() has two causes: the bound, and a process that may not raise its own hard limit."""
    known = [p for p in clues.programs if p.hard is not None]
    beyond = [p for p in known if limit is not None and (p.hard or 0) >= limit]
    able = [p for p in known if p.resource]
    shown = beyond[:1] or (able[:1] or known[:1] if clues.named else [])
    wanted = max([_wanted(clues), *(p.hard or 0 for p in beyond)])
    log = f"{_REFUSED}; a login that fails, where limits.conf asks for it"
    lesser = (
        "if it asked for less than fs.nr_open: give it the hard limit where it is started (LimitNOFILE of its unit)"
    )
    return RULE.cause(
        clues,
        _certainty(clues, bool(beyond), bool(able) and able == known),
        RULE.words(clues),
        map(_hard, shown),
        _value(limit),
        at=limit,
        words=(),
        log=log,
        fixes=(
            *_raised(clues, wanted),
            *RULE.fixes,
            *((Fix(lesser),) if any(p.resource is False for p in shown) else ()),
        ),
        strength=75,
    )


def _certainty(clues: Clues, beyond: bool, able: bool) -> Certainty:
    """Return how sure it is: `able` is that each process may raise its hard limit, so that only the bound refuses."""
    called = "setrlimit" in (clues.symptom.call, *(hit.call for hit in clues.hits(RULE.kind)))
    if called and clues.named and (beyond or able):
        return Certainty.CERTAIN
    return Certainty.LIKELY if called and beyond else Certainty.POSSIBLE


def _silent(clues: Clues, limit: int | None) -> Cause:
    if limit is None:
        return RULE.unknown(f"{_KEY} could not be read")
    known = [p for p in clues.programs if p.hard is not None]
    most = max(known, key=lambda p: p.hard or 0, default=None)
    if most is None or (most.hard or 0) <= limit:
        text = f"no call was refused; {f'the highest hard limit is {most.hard:,} of {most}; ' if most else ''}"
        return RULE.excluded(f"{text}fs.nr_open is {limit:,}", _WHERE)
    return RULE.cause(
        clues,
        Certainty.POSSIBLE,
        _hard(most),
        _value(limit),
        at=limit,
        what=f"fs.nr_open is below the hard limit of {most}: each setrlimit() that leaves it there is refused",
        words=(),
        log=_REFUSED,
        fixes=_raised(clues, most.hard or 0),
        confirm="does the program, or its log at the start, tell of EPERM? --errno EPERM --call setrlimit",
        strength=5,
    )
