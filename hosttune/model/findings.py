"""What should be, what is, and how the two compare."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hosttune.model.checked import written_as

Value = int | str | tuple[int, ...]
"""A value as the kernel holds it: one integer, several (triples, ranges, soft and hard), or text."""


class Reason(StrEnum):
    """Why a layer could not be read; none of these is 0, and none equals another."""

    ABSENT = "not found"
    UNREADABLE = "unreadable"
    INVISIBLE = "host-wide, not visible from this network namespace"
    READ_ONLY = "read-only here"
    MODULE = "module not loaded"
    GONE = "gone from this kernel"
    NOT_RECORDED = "not in the snapshot"
    UNSET = "no file sets it"
    UNDECIDED = "unknown"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A layer that could not be read, and why."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.detail}" if self.detail else self.reason.value

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return written_as(
            {"unknown": tuple(reason.name for reason in Reason), "detail": str},
            lambda document: cls(Reason[document["unknown"]], document["detail"]),
            lambda value: {"unknown": value.reason.name, "detail": value.detail},
        )


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """An address of one thing that has a value, such as `sysctl:net.core.somaxconn`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        # written as its text, wherever it stands
        return core_schema.no_info_after_validator_function(
            cls.parse, core_schema.str_schema(), serialization=core_schema.to_string_ser_schema()
        )

    @property
    def label(self) -> str:
        """What people call it: a sysctl by its key alone."""
        return self.name if self.kind == "sysctl" else str(self)

    @classmethod
    def parse(cls, text: str) -> Subject:
        """Split `kind:name`; raises ValueError where either half is missing."""
        kind, colon, name = text.partition(":")
        if not (colon and kind and name):
            raise ValueError(f"{text!r} is not KIND:NAME")
        return cls(kind, name)


@dataclass(frozen=True, slots=True)
class Origin:
    """A line of a configuration file: its path as the host sees it, its number from 1, its value's exact text."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return written_as(
            {"file": str, "line": int, "text": str},
            lambda document: cls(document["file"], document["line"], document["text"]),
            lambda value: {"file": value.path, "line": value.line, "text": value.text},
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """One subject in each of its layers.

    `boot` is what the files on disk will make it after a reboot; `Unknown(UNSET)` when none sets it, so that
    the default of the kernel or of systemd holds. `origin` wins, `beaten` lost to it, last loser first.
    `notes` are sentences that qualify a layer (two loaders disagree, a module is loaded too late). `fresh`: `boot` is
    what a new network namespace starts with, which no file on disk reaches; the first of the notes says so.
    """

    subject: Subject
    runtime: Value | Unknown
    boot: Value | Unknown
    origin: Origin | None = None
    beaten: tuple[Origin, ...] = ()
    notes: tuple[str, ...] = ()
    fresh: bool = False


class Operator(StrEnum):
    """How a requirement compares; on tuples element by element."""

    EQUALS = "equals"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BETWEEN = "between"
    COVERS = "covers"
    ONE_OF = "one_of"
    NOT_BELOW_NOW = "not_below_now"


class Severity(StrEnum):
    """How much it matters; ordered by `rank`."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Requirement:
    """What one subject must hold for a role, with the workload already applied.

    `wants` is one value; for BETWEEN a (low, high) pair of values, for ONE_OF the allowed values; empty for
    NOT_BELOW_NOW, and where the value depends on a memory size that is not known. For COVERS it is a (low, high)
    range that a range must cover, or port-list text that a port list must cover. `demand` names the workload
    function that gave the value. `waived` is the reason of a waiver. `origin` is `profile file:table`. `to_default`:
    where it does not hold, what is written is the kernel's default, not the nearest value that holds. `source` says
    where the mechanism is, `number_source` where the number comes from: what measured it, whose default it is, or by
    which formula it is reckoned; "" where a profile does not say. `bounds` are the kinds of bound that need it: where
    none of them is short of the target, nothing is wrong; () where it is judged by itself.
    """

    subject: Subject
    operator: Operator
    wants: tuple[Value, ...]
    why: str
    source: str
    severity: Severity
    roles: tuple[str, ...]
    unit: str = ""
    demand: str = ""
    waived: str = ""
    origin: str = ""
    to_default: bool = False
    number_source: str = ""
    bounds: tuple[str, ...] = ()


class Verdict(StrEnum):
    """The five answers; DRIFT is right now but not after a boot, or right on disk but not in force."""

    OK = "OK"
    FAIL = "FAIL"
    DRIFT = "DRIFT"
    UNKNOWN = "UNKNOWN"
    NOT_APPLICABLE = "NOT_APPLICABLE"

    @property
    def conclusive(self) -> bool:
        """Whether it says how the host is: what is unknown, or has no meaning here, does not."""
        return self in (Verdict.OK, Verdict.FAIL, Verdict.DRIFT)


@dataclass(frozen=True, slots=True)
class Finding:
    """A requirement held against a reading: the verdict and one human sentence why.

    Lints are findings too: they have an `id` of their own (`lint:range-over-listeners`), no requirement.
    `in_force` tells the two kinds of DRIFT apart: whether it is right now; None for the other verdicts.
    """

    id: str
    subject: Subject
    verdict: Verdict
    severity: Severity
    because: str
    requirement: Requirement | None = None
    reading: Reading | None = None
    fix: str = ""
    in_force: bool | None = None
