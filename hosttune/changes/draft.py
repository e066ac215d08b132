"""A plan in the making: what each subject shall be, the host as it will be, and the sentences found on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from hosttune.changes.planned import Planned
from hosttune.changes.request import PlanFacts, Request
from hosttune.model import Change, Finding, Reading, Requirement, Subject, Unknown, Value


@dataclass(slots=True)
class Row:
    """One subject: its layers as they are, and as they shall be (None: left alone).

    `needs` are the requirements that it is changed for, `serves` their subjects, `why` the reason of the first. `alone`
    are sentences on why others are not acted on.
    """

    subject: Subject
    reading: Reading
    now: Value | None = None
    disk: Value | None = None
    serves: list[str] = field(default_factory=list)
    why: str = ""
    needs: list[Requirement] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)

    @property
    def runtime_after(self) -> Value | Unknown:
        """The running value once the plan is carried out."""
        return self.now if self.now is not None else self.reading.runtime

    @property
    def boot_after(self) -> Value | Unknown:
        """The value after a boot once the plan is carried out."""
        return self.disk if self.disk is not None else self.reading.boot

    def serve(self, requirement: Requirement) -> None:
        """Note for whose sake it is changed."""
        self.serves.append(str(requirement.subject))
        self.needs.append(requirement)
        self.why = self.why or f"{', '.join(requirement.roles)}: {requirement.why}"


@dataclass(slots=True)
class Draft:
    """What is planned so far: `world` is the host as it is, `future` as it will be, `rows` are by subject."""

    world: Planned
    findings: Sequence[Finding]
    request: Request
    facts: PlanFacts
    rows: dict[Subject, Row] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    restarts: list[str] = field(default_factory=list)
    future: Planned = field(init=False)

    def __post_init__(self) -> None:
        self.future = self.world

    def of(self, kind: str) -> list[Row]:
        """Return the rows of a kind of subject."""
        return [row for row in self.rows.values() if row.subject.kind == kind]

    def add(self, changes: Iterable[Change]) -> None:
        """Add changes, which the host will have in what is planned next."""
        made = list(changes)
        self.changes += made
        self.future = self.future.with_(made)


def judged(findings: Iterable[Finding], kind: str) -> Iterator[tuple[Finding, Requirement, Reading]]:
    """Return the findings on a kind of subject that hold a requirement against a reading."""
    for finding in findings:
        if finding.subject.kind == kind and finding.requirement is not None and finding.reading is not None:
            yield finding, finding.requirement, finding.reading


def serves(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return the subjects for whose sake a file is written."""
    return tuple(dict.fromkeys(subject for row in rows if row.disk is not None for subject in row.serves))
