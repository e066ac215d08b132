"""What was foretold and what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hosttune.model.capacity import Machine
from hosttune.model.findings import Unknown


class Proven(StrEnum):
    """What became of a proof; COULD_NOT says why in what was measured."""

    AGREES = "agrees"
    DIFFERS = "differs"
    COULD_NOT = "could not"


@dataclass(frozen=True, slots=True)
class Proof:
    """One limit made to happen: what was foretold of this host, and what its kernel did.

    `setting` is what it was done with, `accepts` the lowest and the highest measurement that agree, `tolerance` why
    these. `fails` is how it was foretold to fail (call and errno, or counter), `failed` how it did; "" where it says
    nothing more. `seconds` is what it took.
    """

    id: str
    what: str
    setting: str
    predicted: int | Unknown
    measured: int | Unknown
    unit: str
    accepts: tuple[int, int]
    tolerance: str
    fails: str
    failed: str
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Proven:
        if isinstance(self.measured, Unknown) or isinstance(self.predicted, Unknown):
            return Proven.COULD_NOT
        foretold = all(part in self.fails for part in self.failed.split(", "))
        alike = self.accepts[0] <= self.measured <= self.accepts[1] and foretold
        return Proven.AGREES if alike else Proven.DIFFERS


@dataclass(frozen=True, slots=True)
class Trial:
    """All proofs of one run; `planned`: the settings were those that an apply would give."""

    machine: Machine
    roles: tuple[str, ...]
    planned: bool
    budget: float
    seconds: float
    proofs: tuple[Proof, ...]
    notes: tuple[str, ...] = ()
    command: str = ""
