"""What there is to say of a key, and of a role: for a person who asks before anything is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hosttune.model.capacity import Workload
from hosttune.model.findings import Requirement, Subject


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a role requires, and the value that it wants in words: `to at least 4,096 connections`."""

    role: str
    requirement: Requirement
    words: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a subject is: its unit and default, what goes wrong where it is too low or too high, where it holds.

    `legal` are its least and greatest value. `now` is what this host's kernel says, "" for what is no sysctl. `roles`
    are what each profile requires of it. `since` and `gone` are the releases of Linux that brought and removed it,
    `inert` the one from which it has no effect. `matters` says whether many connections need it, and why.
    """

    subject: Subject
    what: str
    unit: str
    default: str
    too_low: str
    too_high: str
    scope: str
    source: str
    legal: tuple[int, int] | None = None
    now: str = ""
    roles: tuple[Wanted, ...] = ()
    since: str = ""
    gone: str = ""
    inert: str = ""
    matters: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """All that there is to say of what was asked for: one subject, or all of a kind."""

    subjects: tuple[Explanation, ...]


@dataclass(frozen=True, slots=True)
class RoleRequirements:
    """What a profile requires on this host at a workload; `why` are the reasons of the workload's figures, by name.

    `numbers` says where those figures come from.
    """

    name: str
    title: str
    workload: Workload
    required: tuple[Wanted, ...]
    waived: tuple[Requirement, ...]
    why: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ValidProfile:
    """A profile file that holds to the schema: its rows with those that it extends, and what is to be known of some."""

    file: str
    rows: int
    notes: tuple[str, ...] = ()
