"""What all rules have in common: each says what is its own, and causes of its kind are made here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hosttune.diagnosis import saying
from hosttune.diagnosis.clues import Clues
from hosttune.model import Cause, Certainty, Evidence, Fix, Unknown

Seen = Evidence | Iterable[Evidence] | None
"""Evidence as questions return it: one, several, or none."""


def some(*parts: Seen) -> tuple[Evidence, ...]:
    """Return the evidence that there is, in order."""
    evidence: list[Evidence] = []
    for part in parts:
        evidence += [part] if isinstance(part, Evidence) else part or ()
    return tuple(evidence)


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of cause, and what its causes have in common; `module` is the `__name__` of its file.

    `failure` is how one meets it, in words; `errnos` and `calls` are those that fit. `gives` is the whole of what a
    call can give where the cause binds, by call, "" for any; without it, the errnos of each of the calls. `outgoing`:
    it is of connections that go out, and of no others. `rivals` are the kinds that are easily taken for it. `what`,
    `unit`, `log`, `fixes` and `strength` are those of a cause, where it does not say other ones; `confirm` is that of
    one which is not certain.
    """

    module: str
    what: str
    failure: str = ""
    errnos: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    gives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    outgoing: bool = False
    unit: str = "connections"
    log: str = ""
    fixes: tuple[Fix, ...] = ()
    confirm: str = ""
    strength: int = 0
    rivals: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return self.module.rpartition(".")[2].replace("_", "-")

    def met(self, clues: Clues) -> bool | None:
        """Say whether an errno of this kind was met; None: no errno was named."""
        return clues.met(*self.errnos, calls=self.calls)

    def outcomes(self) -> Mapping[str, tuple[str, ...]]:
        """Return the errnos that a call can give where this binds, by call, "" for any; "none" is that it waits."""
        return self.gives or dict.fromkeys(self.calls or ("",), self.errnos)

    @property
    def outcome(self) -> str:
        """Return how one meets it, in words."""
        every = dict.fromkeys(name for names in self.outcomes().values() for name in names)
        return self.failure or " or ".join("no error" if name == "none" else name for name in every)

    def gives_what_was_met(self, clues: Clues) -> bool | None:
        """Say whether a call that failed can have failed by this; None: no errno was named."""
        known = clues.failures()
        outcomes = self.outcomes()
        every = {errno for errnos in outcomes.values() for errno in errnos}

        def fits(errno: str, call: str) -> bool:
            at_call = (*outcomes.get(call, ()), *outcomes.get("", ()))
            # that nothing failed says nothing of a call
            return errno in (at_call if call and errno != "none" else every)

        return any(fits(*failure) for failure in known) if known else None

    def other(self, clues: Clues) -> tuple[Evidence, ...]:
        """Return what speaks against it where another errno was met; () where none was named."""
        return saying.other(clues, self.met(clues), self.failure)

    def doubted(self, clues: Clues, certainty: Certainty) -> Certainty:
        """Return no more than POSSIBLE where another errno was met."""
        return Certainty.POSSIBLE if self.met(clues) is False else certainty

    def words(self, clues: Clues, *errnos: str) -> tuple[Evidence, ...]:
        """Return what a person and a log say: of the errnos, where some are given."""
        return (*saying.named(clues, *errnos), *saying.logged(clues, self.kind, *errnos))

    def cause(
        self,
        clues: Clues,
        certainty: Certainty,
        *evidence: Seen,
        at: int | None = None,
        what: str = "",
        unit: str = "",
        against: Seen = (),
        words: tuple[Evidence, ...] | None = None,
        log: str = "",
        fixes: tuple[Fix, ...] | None = None,
        confirm: str | None = None,
        strength: int | None = None,
    ) -> Cause:
        """Return a cause; what was said of it (`words`) comes after the rest of the evidence."""
        sure = certainty is Certainty.CERTAIN
        return Cause(
            self.kind,
            what or self.what,
            certainty,
            at,
            unit or self.unit,
            evidence=some(*evidence, self.words(clues) if words is None else words),
            against=some(against),
            rivals=self.rivals,
            log=log or self.log,
            fixes=self.fixes if fixes is None else fixes,
            confirm=confirm if confirm is not None else "" if sure else self.confirm,
            strength=self.strength if strength is None else strength,
        )

    def excluded(self, why: Seen | str, where: str = "", *more: Seen, what: str = "") -> Cause:
        """Return that it was looked at and does not bind, and why."""
        evidence = Evidence(why, where) if isinstance(why, str) else why
        return Cause(self.kind, what or self.what, Certainty.EXCLUDED, evidence=some(evidence, *more))

    def instead(self, clues: Clues, why: str = "") -> Cause:
        """Return that it is excluded by the errno that was met instead."""
        return self.excluded(why or saying.instead(clues, self.failure), saying.met_where(clues))

    def unknown(self, why: Unknown | str, confirm: str = "") -> Cause:
        """Return that it could not be looked at, and why."""
        evidence = (Evidence(str(why)),)
        return Cause(self.kind, self.what, Certainty.UNKNOWN, evidence=evidence, confirm=confirm)
