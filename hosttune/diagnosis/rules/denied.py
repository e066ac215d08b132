"""setrlimit() is refused though no limit forbids it: a seccomp filter or a security module, or limits of another time.

kernel/sys.c, do_prlimit(): security_task_setrlimit(); seccomp(2), SECCOMP_RET_ERRNO.
"""

from __future__ import annotations

from hosttune.diagnosis import raising
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.raising import By, Refusal
from hosttune.diagnosis.rule import Rule
from hosttune.model import Cause, Certainty, Evidence, Fix

RULE = Rule(
    __name__,
    "a seccomp filter or a security module refuses setrlimit(), for no limit does",
    failure="EPERM from setrlimit()",
    errnos=("EPERM",),
    calls=("setrlimit",),
    unit="descriptors",
    log="setrlimit: operation not permitted (EPERM)",
    fixes=(
        Fix(
            "allow setrlimit and prlimit64 where the filter is made: SystemCallFilter of its unit, the seccomp profile "
            "of its container, the policy of AppArmor or SELinux (setrlimit)"
        ),
    ),
    confirm="`grep Seccomp /proc/PID/status` (2: a filter), `cat /proc/PID/attr/current`, and denials of setrlimit in "
    "the audit log; or the limits have changed since it was refused: restart it, and read its log again",
    strength=60,
    rivals=("nofile", "nr-open"),
)


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return it where numbers leave neither the hard limit nor fs.nr_open."""
    if not raising.met(clues):
        return (RULE.excluded("no call of setrlimit() is known to have been refused", _where(clues)),)
    refused = raising.refusal(clues)
    if refused.by is By.NEITHER:
        return (_cause(clues, refused),)
    if refused.by is By.OPEN:
        return (RULE.unknown("how many descriptors were requested is unknown, so limits come first", RULE.confirm),)
    return (RULE.excluded("the numbers show which limit refused it", "--log"),)


def _where(clues: Clues) -> str:
    """Return where it would have been said."""
    return "--log" if clues.symptom.hits else ""


def _cause(clues: Clues, refused: Refusal) -> Cause:
    program = refused.program
    able = program is not None and bool(program.resource) and (refused.wanted or 0) > (refused.hard or 0)
    why = "CAP_SYS_RESOURCE lets it pass its hard limit" if able else "what it asked for is not above its hard limit"
    return RULE.cause(
        clues,
        Certainty.POSSIBLE,
        Evidence(why),
        raising.asked(refused),
        raising.hard_limit(refused),
        raising.below_ceiling(refused),
    )
