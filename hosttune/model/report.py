"""All of one run."""

from __future__ import annotations

from dataclasses import dataclass, field

from hosttune.model.capacity import Bound, Machine, PortPool, Remedy, Workload
from hosttune.model.findings import Finding, Requirement, Severity
from hosttune.model.where import HOST, Where


@dataclass(frozen=True, slots=True)
class Carrier:
    """A program that runs and carries connections of the role.

    `files` are those of its configuration, as it sees them, `unit` the service that it runs in, "" for none. `network`
    is the network namespace that it is in where that is another, by its name where it has one. `connections` is the
    number at which it stops and `stops` what stops it, None and "" where that could not be told. `command` looks at it
    alone. `changed` are those of the files that were written since it started: what runs may go by what they were.
    """

    program: str
    pid: int
    files: tuple[str, ...] = ()
    unit: str = ""
    network: str = ""
    connections: int | None = None
    stops: str = ""
    command: str = ""
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All of one run; a renderer gets only this.

    `warnings` are other writers and loader troubles, `missing` says what root (or another view) would add. `where` is
    what was judged. `command` is the invocation's own arguments, so that the next command can be printed; `fix` is
    what fixes what does not hold, empty where nothing is to be fixed, or not known here: one command for a host, lines
    for what is no host, those that begin with two blanks to be pasted. `remedies` is the shortest list of what reaches
    the workload, empty where it is carried. `fail_on` is the lowest severity that counts as a failure, `strict`: what
    could not be told counts too. `target_given`: the connections are what was asked for, not
    the default of the role. `taken` is when the host was looked at, in seconds since 1970; None for a recording.
    """

    machine: Machine
    roles: tuple[str, ...]
    workload: Workload
    findings: tuple[Finding, ...]
    bounds: tuple[Bound, ...]
    pools: tuple[PortPool, ...] = ()
    warnings: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    waived: tuple[Requirement, ...] = field(default=())
    command: str = ""
    fix: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    fail_on: Severity = Severity.ERROR
    strict: bool = False
    taken: float | None = None
    where: Where = HOST
    carriers: tuple[Carrier, ...] = ()
    idle: str = ""
    target_given: bool = False


@dataclass(frozen=True, slots=True)
class Capacity:
    """A report of which only what it says of capacity is asked."""

    report: Report
