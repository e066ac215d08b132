"""Real hosts as they reported, held against their part of a plan."""

from __future__ import annotations

from dataclasses import dataclass

from hosttune.model.capacity import Bound
from hosttune.model.topology import Sizing


@dataclass(frozen=True, slots=True)
class Reported:
    """What a report says of a real host, as far as a plan is held against it.

    `connections`, `sockets` and `rate` are the workload that it was asked for, sockets those of one connection.
    `failed` and `drifted` are findings at severity error, each its subject and why.
    """

    file: str
    name: str
    roles: tuple[str, ...]
    addresses: tuple[str, ...]
    connections: int
    sockets: int
    rate: int
    bounds: tuple[Bound, ...]
    failed: tuple[str, ...] = ()
    drifted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HostState:
    """A real host held against its part of a plan, from its report.

    `carries` is its least bound in connections of the host, None where none could be told; `failed` and `drifted` are
    findings at severity error, `problems` one sentence each; ready where there is none.
    """

    name: str
    tier: str
    file: str
    carries: int | None
    binds: str = ""
    failed: int = 0
    drifted: int = 0
    problems: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class FleetTier:
    """A tier's hosts as reported: `wanted` of them, `ready`, and what the whole reaches today with them.

    `evenly` is where the first host refuses when all carry alike, `together` what all carry if each is filled; both in
    connections of the topology, None where a host of the tier is not known.
    """

    tier: str
    wanted: int
    found: int
    ready: int
    evenly: int | None
    together: int | None
    weakest: str = ""


@dataclass(frozen=True, slots=True)
class Fleet:
    """All reports held against a plan: `unplaced` are files that belong to no tier, each with its reason.

    `waiting` are the hosts that are not ready, `ready` those that are, `missing` those without a report.
    """

    sizing: Sizing
    tiers: tuple[FleetTier, ...]
    waiting: tuple[HostState, ...]
    missing: tuple[str, ...] = ()
    unplaced: tuple[str, ...] = ()
    reaches: int | None = None
    narrowest: str = ""
    read: int = 0
    ready: tuple[HostState, ...] = ()
