"""A process at its soft limit of descriptors: the next one is EMFILE (fs/file.c, getrlimit(2))."""

from __future__ import annotations

from hosttune.diagnosis import saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence, Program, Traffic

RIVALS = ("file-max", "ports", "accept-queue")
_ID = "nofile"
_WHAT = "descriptors of the process run out"
_LOG = "EMFILE (24), too many open files, from accept() or socket()"
_CALLS = ("accept", "socket", "open", "epoll_ctl")
_SPARE = 2
"""Descriptors that may be free at the limit: one is opened and closed again for each client that is turned away."""

_EMFILE = "EMFILE in the program's log, or strace -f -e trace=accept4,socket -p"
_INITIAL = 1024  # INR_OPEN_CUR, include/uapi/linux/fs.h: the soft limit where nobody has set one
_RESTART = "sudo hosttune apply --role ROLE --service UNIT: it writes LimitNOFILE; then restart the service"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return a cause for each process at its limit; without one, what errno, log and number say."""
    heard, hits = clues.heard("EMFILE"), clues.hits(_ID)
    found = tuple(_full(clues, p, heard) for p in clues.programs if _reached(clues, p))
    if found:
        return found
    if heard is False and not hits:
        return (saying.excluded(_ID, _WHAT, saying.instead(clues, "EMFILE"), saying.met_where(clues)),)
    fits = [p for p in clues.programs if p.soft is not None and _fits(clues, p)]
    if hits or heard:
        return (_by_word(clues, fits),)
    if fits:
        return (_by_number(clues, fits[0]),)
    if not clues.programs and saying.near(clues.stalled_at, _INITIAL):
        return (_by_initial(clues),)
    if not clues.programs:
        return (saying.unknown(_ID, _WHAT, "no process was looked at; --pid, --service or --process-name names one"),)
    nearest = max(clues.programs, key=lambda p: p.descriptors / max(p.soft or 1 << 31, 1))
    if nearest.soft is None:
        return (saying.unknown(_ID, _WHAT, f"the limits of {nearest} could not be read"),)
    text = f"{nearest} has {nearest.descriptors:,} of {nearest.soft:,}, the nearest to its limit"
    return (saying.excluded(_ID, _WHAT, text, f"/proc/{nearest.pid}/limits"),)


def _reached(clues: Clues, program: Program) -> bool:
    """Say whether a process is at its limit; just below it only where something says that it wants more."""
    if program.soft is None or program.descriptors < program.soft - _SPARE:
        return False
    wants = clues.named or bool(clues.heard("EMFILE")) or _fits(clues, program) or _waiting(clues, program) > 0
    return program.descriptors >= program.soft or wants


def _waiting(clues: Clues, program: Program) -> int:
    """Return how many clients wait for a process to accept them."""
    if not isinstance(clues.traffic, Traffic):
        return 0
    return sum(one.queue for one in clues.traffic.listeners if clues.owners.get(one.inode) == program.pid)


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


def _full(clues: Clues, program: Program, heard: bool | None) -> Cause:
    other = saying.other(clues, heard, "EMFILE") if not clues.hits(_ID) else ()
    evidence = [_limits(program)]
    waiting = _waiting(clues, program)
    if waiting:
        evidence.append(Evidence(f"{waiting:,} clients wait for it to accept them", "sock_diag"))
    # more than the limit: it was lowered afterwards, and nothing tells that more is wanted
    lowered = program.descriptors > (program.soft or 0) and not (waiting or heard or clues.hits(_ID))
    elsewhere = program.here is False and not clues.named
    if elsewhere:
        evidence.append(Evidence("it is in another network namespace than the one that was looked at"))
    certainty = Certainty.LIKELY if other or lowered or elsewhere else Certainty.CERTAIN
    if not clues.named and lowered and not other:
        certainty = Certainty.POSSIBLE
    return Cause(
        _ID,
        f"the descriptors of {program} run out",
        certainty,
        program.soft,
        "descriptors",
        evidence=(*evidence, *(() if other else saying.heard(clues, "EMFILE")), *saying.logged(clues, _ID, "EMFILE")),
        against=other,
        log=_LOG,
        fixes=_fixes(program),
        confirm="" if certainty is Certainty.CERTAIN else f"strace -f -e trace=accept4,socket -p {program.pid}",
        strength=20 if other or elsewhere else 90,
    )


def _by_number(clues: Clues, program: Program) -> Cause:
    soft = program.soft or 0
    two = "" if saying.near(clues.stalled_at, soft) else ", and a proxied connection takes two"
    text = f"it stopped at {clues.stalled_at:,}, where the soft limit is {soft:,}{two}"
    return Cause(
        _ID,
        f"the descriptors of {program} run out",
        Certainty.LIKELY,
        program.soft,
        "descriptors",
        evidence=(Evidence(text, "--stalled-at"), _limits(program)),
        log=_LOG,
        fixes=_fixes(program),
        confirm=f"{_EMFILE} {program.pid}",
        strength=70,
    )


def _initial(clues: Clues) -> Evidence:
    text = f"it stopped at {clues.stalled_at:,}, and a process for which nobody sets a limit has {_INITIAL:,}"
    return Evidence(text, "--stalled-at")


def _by_initial(clues: Clues) -> Cause:
    return Cause(
        _ID,
        _WHAT,
        Certainty.POSSIBLE,
        _INITIAL,
        "descriptors",
        evidence=(_initial(clues),),
        log=_LOG,
        fixes=_fixes(None),
        confirm="`grep 'open files' /proc/PID/limits` of the program itself; a limit of its own may be as low",
        strength=70,
    )


def _by_word(clues: Clues, fits: list[Program]) -> Cause:
    """EMFILE from a call that makes a descriptor, or in a log, leaves nothing else; of whom is another question."""
    hits = clues.hits(_ID)
    told = next((hit.numbers["soft"] for hit in hits if "soft" in hit.numbers), None)
    same = [p for p in clues.programs if p.soft is not None and p.soft == told]
    seen = (fits or same or (list(clues.programs) if clues.named else []))[:1]
    initial = not seen and not told and saying.near(clues.stalled_at, _INITIAL)
    free = [p for p in seen if p.soft is not None and p.descriptors < p.soft // 2 and p not in fits]
    called = clues.symptom.call in _CALLS or any(hit.call in _CALLS for hit in hits)
    written = any(hit.errno == "EMFILE" for hit in hits)
    words = written or called or bool(fits and clues.heard("EMFILE"))
    thin = not (words or fits or same or clues.heard("EMFILE"))
    against = tuple(Evidence(f"now {p} has {p.descriptors:,} of {p.soft:,}", f"/proc/{p.pid}/limits") for p in free)
    return Cause(
        _ID,
        f"the descriptors of {seen[0]} run out" if seen else _WHAT,
        Certainty.POSSIBLE if thin else Certainty.CERTAIN if words and not against else Certainty.LIKELY,
        told or (seen[0].soft if seen else _INITIAL if initial else None),
        "descriptors",
        evidence=(
            *saying.heard(clues, "EMFILE"),
            *saying.logged(clues, _ID, "EMFILE"),
            *(_limits(p) for p in seen),
            *((_initial(clues),) if initial else ()),
        ),
        against=against,
        log=_LOG,
        fixes=(*_computed(clues), *_fixes(seen[0] if seen else None)),
        confirm=_confirm(seen, against, thin),
        strength=80,
    )


def _confirm(seen: list[Program], against: tuple[Evidence, ...], thin: bool) -> str:
    """Return what would decide of which process it is; "" where that is known and the words leave nothing else."""
    if not seen:
        return "`grep 'open files' /proc/PID/limits` of the program itself, not of a shell"
    return f"{_EMFILE} {seen[0].pid}" if thin or against else ""


def _computed(clues: Clues) -> tuple[str, ...]:
    """Return what raises a limit that HAProxy has computed: its maxsock comes from maxconn where that is set."""
    if not any("maxsock=" in hit.line for hit in clues.hits(_ID)):
        return ()
    return (
        "where haproxy.cfg sets maxconn or ulimit-n, raise that: HAProxy computes maxsock from it, else from its hard "
        "limit (HAProxy configuration manual, ulimit-n)",
    )


def _fixes(program: Program | None) -> tuple[str, ...]:
    if program and program.soft and program.hard and program.soft < program.hard:
        own = (
            f"the hard limit is {program.hard:,}: the program set its soft limit itself (a maxconn, ulimit-n or "
            "worker_rlimit_nofile of its configuration), or never raised it"
        )
        return (own, _RESTART, saying.STARTED)
    return (_RESTART, "started from a shell: `ulimit -n N` there, before it starts", saying.STARTED)
