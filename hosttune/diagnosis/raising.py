"""A limit of descriptors that setrlimit() refused: what was wanted, held against what may have refused it.

kernel/sys.c, do_prlimit(): a hard limit above fs.nr_open is EPERM for everybody, one above the present hard limit is
EPERM without CAP_SYS_RESOURCE; a security module and a seccomp filter may refuse whatever they like (setrlimit(2)).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hosttune import kernel
from hosttune.diagnosis import limits_fixing, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Evidence, Fix, LogHit, Program

_KEY, _WHERE = "fs.nr_open", "/proc/sys/fs/nr_open"
_KINDS = ("nofile", "nr-open")


class By(Enum):
    """What refused: fs.nr_open, the hard limit, neither of them, or nobody can say from the numbers."""

    CEILING = 1
    HARD = 2
    NEITHER = 3
    OPEN = 4


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal: `wanted` descriptors, None where no line has the number.

    `hard` is the hard limit of the very process, or the one that the program's own words say, None where it is not
    known. `program` is the process, None where none was named. `ceiling` is fs.nr_open, None where it was not read.
    """

    by: By
    wanted: int | None
    hard: int | None
    program: Program | None
    ceiling: int | None


def met(clues: Clues) -> bool:
    """Say whether setrlimit() was refused, as a person or a log says."""
    return (clues.symptom.errno == "EPERM" and clues.symptom.call == "setrlimit") or bool(lines(clues))


def lines(clues: Clues) -> tuple[LogHit, ...]:
    """Return the lines of a log that tell of it."""
    return tuple(h for h in clues.symptom.hits if h.call == "setrlimit" and not set(_KINDS).isdisjoint(h.causes))


def refusal(clues: Clues) -> Refusal:
    """Return what refused; it was met."""
    ceiling = clues.integer(_KEY)
    wanted = number(clues, "wanted")
    written = number(clues, "hard")
    program = _named(clues)
    hard = program.hard if program and program.hard is not None else written
    by = _by(wanted, hard, ceiling, program, written is not None)
    return Refusal(by, wanted, hard, program, ceiling)


def number(clues: Clues, name: str) -> int | None:
    """Return the largest number of a name in the lines."""
    return max((hit.numbers[name] for hit in lines(clues) if name in hit.numbers), default=None)


def _named(clues: Clues) -> Program | None:
    """Return the process that was named; of several alike the one with the lowest hard limit."""
    known = [program for program in clues.programs if program.hard is not None] if clues.named else []
    return min(known, key=lambda program: program.hard or 0, default=None)


def _by(wanted: int | None, hard: int | None, ceiling: int | None, program: Program | None, told: bool) -> By:
    if program and ceiling is not None and hard is not None and hard > ceiling:
        return By.CEILING  # even a lower soft limit is refused then: the hard one is passed again with it
    if wanted is None:
        return By.HARD if told else By.OPEN
    if wanted > (kernel.NR_OPEN if ceiling is None else ceiling):
        return By.CEILING if ceiling is not None else By.OPEN
    if hard is None:
        return By.HARD
    if wanted <= hard or (program and program.resource):
        return By.NEITHER
    return By.HARD


def asked(refused: Refusal) -> Evidence | None:
    """Return what was wanted, as evidence."""
    if refused.wanted is None:
        return None
    return Evidence(f"it asked for {refused.wanted:,} descriptors", "--log")


def below_ceiling(refused: Refusal) -> Evidence | None:
    """Return that what was wanted lies within fs.nr_open, of this host or of any kernel as it comes."""
    if refused.wanted is None:
        return None
    if refused.ceiling is not None:
        return Evidence(f"{refused.wanted:,} is not above fs.nr_open, {refused.ceiling:,}", _WHERE)
    text = f"{refused.wanted:,} is below {kernel.NR_OPEN:,}, the kernel's own default of fs.nr_open"
    return Evidence(text, "fs/file.c, sysctl_nr_open")


def hard_limit(refused: Refusal) -> Evidence | None:
    """Return the hard limit, and whether the process may raise it."""
    program = refused.program
    if refused.hard is None:
        return None
    if program is None:
        return Evidence(f"the hard limit is {refused.hard:,}", "--log")
    may = {
        None: "",
        True: ", and is allowed to increase it (CAP_SYS_RESOURCE)",
        False: ", and is not allowed to increase it",
    }[program.resource]
    return Evidence(f"{program} has a hard limit of {refused.hard:,}{may}", f"/proc/{program.pid}/limits")


def ceiling(refused: Refusal) -> Evidence | None:
    """Return fs.nr_open, as evidence."""
    return None if refused.ceiling is None else Evidence(f"fs.nr_open is {refused.ceiling:,}", _WHERE)


def by_hard_limit(rule: Rule, clues: Clues, refused: Refusal, confirm: str) -> Cause:
    """Return that the hard limit refused it: certain where that limit is known, likely where only the number says so.

    `confirm` is what would decide.
    """
    certainty = Certainty.LIKELY if refused.hard is None else Certainty.CERTAIN
    whose = f" of {refused.program}" if refused.program else ""
    return rule.cause(
        clues,
        certainty,
        asked(refused),
        hard_limit(refused),
        below_ceiling(refused),
        rule.words(clues),
        _goes_on(clues),
        at=refused.hard,
        what=f"the hard limit of descriptors{whose} is below what it asks for",
        words=(),
        log="setrlimit: operation not permitted (EPERM)",
        fixes=(*limits_fixing.nofile(clues, refused.program, refused.wanted or 0), Fix(saying.STARTED)),
        confirm="" if certainty is Certainty.CERTAIN else confirm,
        strength=85,
    )


def _goes_on(clues: Clues) -> Evidence | None:
    """Return that the program goes on with fewer clients than it was to have, so that its own limit binds next."""
    reduced = number(clues, "reduced")
    if reduced is None:
        return None
    return Evidence(f"it goes on with fewer clients, {reduced:,}: its own limit binds next", "--log")
