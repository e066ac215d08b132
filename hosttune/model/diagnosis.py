"""Why a host stalls: what binds, what speaks for it and against it, and what a person said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hosttune.model.activity import Listener, Program, Use
from hosttune.model.capacity import Machine, PortPool


class Certainty(StrEnum):
    """How well a cause is held up; ordered by `rank`, the best first.

    CERTAIN: it is seen to bind on this host now, or the program's own words and the numbers leave nothing else.
    LIKELY: one strong sign and nothing against it. POSSIBLE: a hint, and `confirm` says what would decide.
    EXCLUDED: it was looked at and does not bind. UNKNOWN: it could not be looked at from here.
    """

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"
    EXCLUDED = "excluded"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        return list(Certainty).index(self)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen, as a sentence, and where: a file and its field, or the option that said so.

    `past`: it was so once, and not while the host was looked at.
    """

    text: str
    where: str = ""
    past: bool = False

    def __str__(self) -> str:
        return f"{self.text} ({self.where})" if self.where else self.text


@dataclass(frozen=True, slots=True)
class Cause:
    """One possible reason of a stall.

    `kind` is the file name of its rule, with hyphens; `what` is what binds, as the end of "It stalls on ...". `at` is
    the number at which it binds, in `unit`. `log` is what the program will have logged. `fixes` are commands or
    sentences, the best first. `confirm` is the reading that would decide where the evidence is thin.
    `strength` orders causes of one certainty: the greater comes first. `against` is what speaks against it, `rivals`
    are the kinds that are easily taken for it.
    """

    kind: str
    what: str
    certainty: Certainty
    at: int | None = None
    unit: str = "connections"
    evidence: tuple[Evidence, ...] = ()
    against: tuple[Evidence, ...] = ()
    rivals: tuple[str, ...] = ()
    log: str = ""
    fixes: tuple[str, ...] = ()
    confirm: str = ""
    strength: int = 0


@dataclass(frozen=True, slots=True)
class LogHit:
    """A well-known line of a log: who wrote it, the call and errno that it speaks of, its numbers, how often it came.

    `causes` are the kinds of cause that it can be a sign of, the likeliest first. `line` is the first such line, made
    safe to print.
    """

    program: str
    causes: tuple[str, ...]
    line: str
    count: int = 1
    errno: str = ""
    call: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Symptom:
    """What a person, or a log, says of the stall: the errno (a name), the call, the number where it stopped."""

    errno: str = ""
    call: str = ""
    stalled_at: int | None = None
    hits: tuple[LogHit, ...] = ()


class Conclusion(StrEnum):
    """What a diagnosis comes to; NOTHING: no symptom was told or seen, so there is nothing to explain."""

    CAUSE = "cause"
    OWN_LIMIT = "own-limit"
    NOT_ENOUGH = "not-enough"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All of one diagnosis.

    `causes` are ranked, the best first; those that are excluded, or unknown, are apart. `seconds` is the
    time between the two gatherings. `next` is what to read or run next. `missing` is what root would add.
    """

    machine: Machine
    symptom: Symptom
    seconds: float
    conclusion: Conclusion
    text: str
    causes: tuple[Cause, ...] = ()
    excluded: tuple[Cause, ...] = ()
    unknown: tuple[Cause, ...] = ()
    uses: tuple[Use, ...] = ()
    pools: tuple[PortPool, ...] = ()
    listeners: tuple[Listener, ...] = ()
    programs: tuple[Program, ...] = ()
    next: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    command: str = ""
