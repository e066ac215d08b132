"""All of one run."""

from __future__ import annotations

from dataclasses import dataclass, field

from hosttune.model.capacity import Bound, Machine, Need, PortPool, Workload
from hosttune.model.findings import Finding, Requirement


@dataclass(frozen=True, slots=True)
class Report:
    """All of one run; a renderer gets only this.

    `warnings` are other writers and loader troubles, `missing` says what root (or another view) would add.
    `command` is the invocation's own arguments, so that the next command can be printed; `mend` is the command that
    mends what does not hold, "" where nothing is to be mended, or not here. `needs` is the shortest list of what
    reaches the workload, empty where it is carried.
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
    mend: str = ""
    needs: tuple[Need, ...] = ()
