"""Why a host stalls: what binds, what speaks for it and against it, and what a person said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hosttune.model.activity import Program, Use
from hosttune.model.capacity import Machine, PortPool
from hosttune.model.listening import Listener


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


class FixPlace(StrEnum):
    """Where a fix is made, as it is said of what can be pasted; ADVICE: nothing can be pasted, a person decides.

    HOST: a shell of this host. NETNS: one of the network namespace that was judged, which has no name. INSIDE: one of
    the container that was judged. SHELL: the shell that starts the program. UNIT, RUN (the options with which a
    container is started), COMPOSE, SPEC (a runtime's or an orchestrator's configuration) and PROGRAM: lines of such a
    file. ELSEWHERE: a shell of another machine.
    """

    ADVICE = "advice"
    HOST = "on the host"
    NETNS = "in this network namespace"
    INSIDE = "in the container"
    SHELL = "in its shell"
    UNIT = "drop-in of the unit"
    RUN = "options of its container"
    COMPOSE = "compose file"
    SPEC = "configuration of its runtime"
    PROGRAM = "its configuration"
    ELSEWHERE = "on the other machine"

    @property
    def typed(self) -> bool:
        """Whether what is pasted there is a command."""
        return self in (FixPlace.HOST, FixPlace.NETNS, FixPlace.INSIDE, FixPlace.SHELL, FixPlace.ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Fix:
    """What ends a stall, or moves it: `text` says what and why, `command` is what can be pasted in `place`, as it is.

    Without a command it is advice to a person, with one it is none.
    """

    text: str
    command: str = ""
    place: FixPlace = FixPlace.ADVICE

    def __post_init__(self) -> None:
        if bool(self.command) is (self.place is FixPlace.ADVICE):
            raise ValueError(f"a fix with a command has a place, advice has neither: {self.text}")

    def __str__(self) -> str:
        return f"{self.text} ({self.place}: {self.command})" if self.command else self.text


@dataclass(frozen=True, slots=True)
class Cause:
    """One possible reason of a stall.

    `kind` is the file name of its rule, with hyphens; `what` is what binds, as the end of "It stalls on ...". `at` is
    the number at which it binds, in `unit`. `log` is what the program will have logged. `fixes` are the
    best first. `confirm` is the reading that would decide where the evidence is thin. `strength` orders causes of one
    certainty: the greater comes first. `beside`: it cannot give the errno that was met, and is only near its limit too.
    `against` is what speaks against it, `rivals` are the kinds that are easily taken for it.
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
    fixes: tuple[Fix, ...] = ()
    confirm: str = ""
    strength: int = 0
    beside: bool = False


@dataclass(frozen=True, slots=True)
class LogHit:
    """A well-known line of a log: who wrote it, the call and errno that it speaks of, its numbers, how often it came.

    `causes` are the kinds of cause that it can be a sign of, the likeliest first. `line` is the first such line, made
    safe to print. `written` is when the last of them was written at the latest, in seconds since 1970; None: not known.
    """

    program: str
    causes: tuple[str, ...]
    line: str
    count: int = 1
    errno: str = ""
    call: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)
    written: int | None = None


@dataclass(frozen=True, slots=True)
class UnreadLine:
    """A line that is not known, made safe to print; `number` counts from the log's end where it is negative.

    `count` is how often a line came that differs in numbers only.
    """

    number: int
    text: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class GivenLog:
    """A log that was given: how many lines, and of those that are not known the last; `errors`: they look so."""

    name: str
    lines: int
    unread: tuple[UnreadLine, ...] = ()
    errors: bool = False


@dataclass(frozen=True, slots=True)
class Symptom:
    """What a person, or a log, says of the stall: the errno (a name), the call, the number where it stopped.

    `hits` are the lines that are known of all `logs` that were given.
    """

    errno: str = ""
    call: str = ""
    stalled_at: int | None = None
    hits: tuple[LogHit, ...] = ()
    logs: tuple[GivenLog, ...] = ()


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
