"""A process at its soft limit of descriptors: the next one is EMFILE (fs/file.c, getrlimit(2))."""

from __future__ import annotations

from hosttune import kernel
from hosttune.diagnosis import configured, limits_fixing, raising, saying, spare
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.raising import By, Refusal
from hosttune.diagnosis.rule import Rule, some
from hosttune.model import Cause, Certainty, Evidence, Fix, Program

RULE = Rule(
    __name__,
    "descriptors of the process run out",
    failure="EMFILE",
    errnos=("EMFILE",),
    unit="descriptors",
    log="EMFILE (24), too many open files, from accept() or socket()",
    rivals=("file-max", "ports", "accept-queue"),
)
_CALLS = frozenset({"accept", "socket", "open", "epoll_ctl"})
_SPARE = 2
"""Descriptors that may be free at the limit: one is opened and closed again for each client that is turned away."""

_MOST = 0.9  # of its limit: a process that has as many may well have met it

_TRACE = "strace -f -e trace=accept4,socket -p"
_EMFILE = f"EMFILE in the program's log, or {_TRACE}"
_LIMITS = "`grep 'open files' /proc/PID/limits` of the program itself"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each process at its limit; without one, what errno, log and number say."""
    causes = tuple(_full(clues, p) for p in clues.programs if _reached(clues, p))
    if causes:
        return causes
    fits = [p for p in clues.programs if p.soft is not None and _fits(clues, p)]
    if raising.met(clues) and not RULE.met(clues):
        return (_not_raised(clues, raising.refusal(clues), fits),)
    far = spare.far(RULE, clues) if not fits else ()
    return spare.elsewhere(RULE, clues, far, _wanted(clues)) if far else (_without(clues, fits),)


def _without(clues: Clues, fits: list[Program]) -> Cause:
    """Return what errno, log and number say where no process is at its limit."""
    met, hits = RULE.met(clues), clues.hits(RULE.kind)
    if met is False and not hits:
        return RULE.instead(clues)
    if hits or met:
        return _by_word(clues, fits)
    if fits:
        return _by_number(clues, fits[0])
    if not clues.programs and saying.near(clues.stalled_at, kernel.INR_OPEN_CUR):
        confirm = f"{_LIMITS}; a limit of its own may be as low"
        return _cause(clues, None, Certainty.POSSIBLE, 70, _initial(clues), at=kernel.INR_OPEN_CUR, confirm=confirm)
    if not clues.programs:
        return RULE.unknown("no process was looked at; --pid, --service or --process-name names one")
    nearest = max(clues.programs, key=lambda p: p.descriptors / max(p.soft or 1 << 31, 1))
    if nearest.soft is None:
        return RULE.unknown(f"the limits of {nearest} could not be read")
    text = f"{nearest} has {nearest.descriptors:,} of {nearest.soft:,}, the nearest to its limit"
    return RULE.excluded(text, f"/proc/{nearest.pid}/limits")


def _not_raised(clues: Clues, refused: Refusal, fits: list[Program]) -> Cause:
    """Return what the numbers of a refused setrlimit() say of the hard limit."""
    if refused.by is By.OPEN:
        return _by_word(clues, fits)
    if refused.by is By.CEILING:
        return RULE.excluded(raising.asked(refused) or raising.hard_limit(refused), "", raising.ceiling(refused))
    if refused.by is By.NEITHER:
        return RULE.excluded(raising.hard_limit(refused), "", raising.asked(refused))
    return raising.by_hard_limit(RULE, clues, refused, f"{_LIMITS}, the last column: its hard limit")


def _own_maximum(clues: Clues, soft: int | None) -> Evidence | None:
    """Return that the program's own maximum of connections does not fit the limit, where that was read or written."""
    written = max((hit.numbers.get("maximum", 0) for hit in clues.symptom.hits), default=0)
    every = configured.held(clues)
    most = max((own.most for own in every), default=0)
    if soft is None or max(written, most) <= soft:
        return None
    if most >= written:
        largest = max(every, key=lambda own: own.most)
        text = f"{largest.name} does not fit: {soft:,} descriptors end at fewer connections"
        return Evidence(text, largest.where)
    return Evidence(
        f"its own maximum of {written:,} connections does not fit: {soft:,} descriptors end before", "--log"
    )


def _cause(
    clues: Clues,
    program: Program | None,
    certainty: Certainty,
    strength: int,
    *evidence: Evidence,
    at: int | None,
    confirm: str,
    against: tuple[Evidence, ...] = (),
    fixes: tuple[Fix, ...] = (),
) -> Cause:
    return RULE.cause(
        clues,
        certainty,
        evidence,
        at=at,
        what=f"the descriptors of {program} run out" if program else "",
        against=against,
        words=(),
        fixes=(*fixes, *limits_fixing.nofile(clues, program, _wanted(clues)), *_own(program), Fix(saying.STARTED)),
        confirm=confirm,
        strength=strength,
    )


def _reached(clues: Clues, program: Program) -> bool:
    """Say whether a process is at its limit; just below it only where something says that it wants more."""
    if program.soft is None or program.descriptors < program.soft - _SPARE:
        return False
    wants = clues.named or bool(RULE.met(clues)) or _fits(clues, program) or _waiting(clues, program) > 0
    return program.descriptors >= program.soft or wants


def _waiting(clues: Clues, program: Program) -> int:
    """Return how many clients wait for a process to accept them."""
    return sum(listener.queue for listener in clues.listeners if clues.owners.get(listener.inode) == program.pid)


def _fits(clues: Clues, program: Program) -> bool:
    """Say whether the number at which it stopped is what the limit allows, one or two descriptors a connection.

    Many programs have the same limit: one that nobody has named must hold that many descriptors.
    """
    soft, number = program.soft or 0, clues.stalled_at
    near = saying.near(number, soft) or saying.near(number, soft // 2)
    return near and (clues.named or program.descriptors >= (number or 0) * 0.9)


def _limits(program: Program) -> Evidence:
    hard = f"{program.hard:,}" if program.hard is not None else "not known, or none"
    text = f"{program} has {program.descriptors:,} descriptors; its soft limit is {program.soft or 0:,}, hard {hard}"
    return Evidence(text, f"/proc/{program.pid}/fd, /proc/{program.pid}/limits")


def _lowered(clues: Clues, program: Program) -> bool:
    """Say whether it has more than the limit, which was lowered afterwards, and nothing shows that more is required."""
    wants = _waiting(clues, program) or RULE.met(clues) or clues.hits(RULE.kind)
    return program.descriptors > (program.soft or 0) and not wants


def _full(clues: Clues, program: Program) -> Cause:
    """A process at its limit: certain, but where it is elsewhere, another errno was met, or its limit was lowered."""
    other = () if clues.hits(RULE.kind) else RULE.other(clues)
    waiting, evidence = _waiting(clues, program), [_limits(program)]
    if waiting:
        evidence.append(Evidence(f"{waiting:,} clients wait for it to accept them", "sock_diag"))
    elsewhere, certainty = program.here is False and not clues.named, Certainty.CERTAIN
    if elsewhere:
        evidence.append(Evidence("it is in another network namespace than the one that was looked at"))
    if _lowered(clues, program) and not other and not clues.named:
        certainty = Certainty.POSSIBLE
    elif other or elsewhere or _lowered(clues, program):
        certainty = Certainty.LIKELY
    words = saying.logged(clues, RULE.kind, "EMFILE") if other else RULE.words(clues, "EMFILE")
    confirm = "" if certainty is Certainty.CERTAIN else f"{_TRACE} {program.pid}"
    strength = 20 if other or elsewhere else 90
    return _cause(
        clues, program, certainty, strength, *evidence, *words, at=program.soft, confirm=confirm, against=other
    )


def _by_number(clues: Clues, program: Program) -> Cause:
    soft = program.soft or 0
    two = "" if saying.near(clues.stalled_at, soft) else ", and a proxied connection takes two"
    stopped = Evidence(f"it stopped at {clues.stalled_at:,}, where the soft limit is {soft:,}{two}", "--stalled-at")
    confirm = f"{_EMFILE} {program.pid}"
    return _cause(clues, program, Certainty.LIKELY, 70, stopped, _limits(program), at=program.soft, confirm=confirm)


def _initial(clues: Clues) -> Evidence:
    text = (
        f"it stopped at {clues.stalled_at:,}, and a process for which nobody sets a limit has {kernel.INR_OPEN_CUR:,}"
    )
    return Evidence(text, "--stalled-at")


def _by_word(clues: Clues, fits: list[Program]) -> Cause:
    """EMFILE from a call that makes a descriptor, or in a log, leaves nothing else; of whom is another question."""
    soft = next((hit.numbers["soft"] for hit in clues.hits(RULE.kind) if "soft" in hit.numbers), None)
    same = [p for p in clues.programs if p.soft is not None and p.soft == soft]
    known = fits or same or (list(clues.programs) if clues.named else [])
    if known:
        return _of_program(clues, known[0], soft, fits=bool(fits), same=bool(same))
    initial = (_initial(clues),) if not soft and saying.near(clues.stalled_at, kernel.INR_OPEN_CUR) else ()
    certainty, at = _certainty(clues, fits=False, same=False), soft or (kernel.INR_OPEN_CUR if initial else None)
    evidence, confirm = (*RULE.words(clues, "EMFILE"), *initial), f"{_LIMITS}, not of a shell"
    return _cause(clues, None, certainty, 80, *evidence, at=at, confirm=confirm, fixes=_computed(clues))


def _of_program(clues: Clues, program: Program, soft: int | None, *, fits: bool, same: bool) -> Cause:
    """Return what the words make of one process; they are less sure where it has most of its descriptors left."""
    against = () if fits else spare.free(program)
    full = program.soft is not None and program.descriptors >= program.soft * _MOST
    certainty = _certainty(clues, fits=fits, same=same, full=full)
    confirm = f"{_EMFILE} {program.pid}" if against or certainty is not Certainty.CERTAIN else ""
    if against and certainty is Certainty.CERTAIN:
        certainty = Certainty.LIKELY
    return _cause(
        clues,
        program,
        certainty,
        80,
        *RULE.words(clues, "EMFILE"),
        _limits(program),
        *some(_own_maximum(clues, soft or program.soft)),
        at=soft or program.soft,
        confirm=confirm,
        against=against,
        fixes=_computed(clues),
    )


def _certainty(clues: Clues, *, fits: bool, same: bool, full: bool = False) -> Certainty:
    """Return how sure the words are: those that a log has, of a call that makes descriptors, or where a number fits."""
    hits, met = clues.hits(RULE.kind), bool(RULE.met(clues))
    called = not _CALLS.isdisjoint([clues.symptom.call, *(hit.call for hit in hits)])
    foremost = [hit for hit in hits if hit.causes[0] == RULE.kind]
    if called or (fits and met) or any(hit.errno == "EMFILE" for hit in foremost):
        return Certainty.CERTAIN
    if hits and not foremost and not clues.symptom.errno:  # the line has a likelier meaning
        return Certainty.LIKELY if fits or full else Certainty.POSSIBLE
    return Certainty.LIKELY if fits or same or met else Certainty.POSSIBLE


def _computed(clues: Clues) -> tuple[Fix, ...]:
    """Return what raises a limit that HAProxy has computed: its maxsock comes from maxconn where that is set."""
    if not any("maxsock=" in hit.line for hit in clues.hits(RULE.kind)):
        return ()
    return (
        Fix(
            "where haproxy.cfg sets maxconn or ulimit-n, raise that: HAProxy computes maxsock from it, else from its "
            "hard limit (HAProxy configuration manual, ulimit-n); with `no strict-limits` maxsock may lie above the "
            "limit that the process has"
        ),
    )


def _own(program: Program | None) -> tuple[Fix, ...]:
    """Return that a program may have set its soft limit itself, where its hard limit is higher."""
    if not (program and program.soft and program.hard and program.soft < program.hard):
        return ()
    return (
        Fix(
            f"the hard limit is {program.hard:,}: the program set its soft limit itself (a maxconn, ulimit-n or "
            "worker_rlimit_nofile of its configuration), or never raised it"
        ),
    )


def _wanted(clues: Clues) -> int:
    """Return how many descriptors a line says that the program asked for, 0 where none does."""
    return max((hit.numbers.get("wanted", 0) for hit in clues.hits(RULE.kind)), default=0)
