"""Tiers of hosts that connections run through, and what a plan makes of them: demand, bounds, hosts by name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from hosttune.model.capacity import Backend, BindMode, Bound, Machine, Workload
from hosttune.model.findings import Unknown, Value
from hosttune.model.programs import KnownProgram

CLOUDS = ("aws", "azure", "gcp")
"""Those whose limits are known to some extent; the names are those of `Machine.cloud`."""


@dataclass(frozen=True, slots=True)
class Leg:
    """Where a tier's connections go on: for each connection of the tier `per` new ones, spread evenly over all hosts
    and ports of `tiers`.
    """

    tiers: tuple[str, ...]
    per: int = 1


@dataclass(frozen=True, slots=True)
class Message:
    """What a device sends once it is connected: `count` messages of `size` bytes, one every `interval` seconds.

    `fan_out` is to how many devices one message goes out at once (0: it ends at the last tier), `keepalive` the
    seconds after which a device that is silent sends something; 0 where it is not known. `stay` is how many seconds a
    device keeps connected after its last message.
    """

    size: int = 0
    count: int = 0
    interval: float = 1.0
    fan_out: int = 0
    keepalive: int = 0
    qos: int = 1
    stay: int = 0


@dataclass(frozen=True, slots=True)
class Tier:
    """Hosts that are alike; what is None was not given.

    `open` are the numbers to be found (`hosts`, `sources`, `memory`): they are None until then. `role` is a profile,
    `program` what runs there ("": not known). `hosts` are so many, of which `spare` may fail; each listens on `ports`.
    `addresses` are theirs, in order, `source_addresses` those that can be bound beside them, host by host; both may be
    more than are used. A host dials from `sources` addresses, towards each backend from `sources_each` of them (None:
    all). `memory` is RAM in bytes, of which `memory_kept` is for everything but connections. `connections_max` is what
    a host may carry by its own configuration or licence, `nofile` a limit of each of its `processes` that cannot be
    raised. `tracked_max` are the connections that a cloud tracks for such a host. `connections` is a first tier's part
    of all. `forwards`: its hosts pass connections on, from `sources` addresses of NAT with `port_range`; who
    dials it means the tiers behind. `reports` and `snapshots` are files of real hosts, which then stand for the tier.
    """

    name: str
    role: str
    to: tuple[Leg, ...] = ()
    program: str = ""
    hosts: int | None = None
    spare: int = 0
    addresses: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    memory: int | None = None
    memory_kept: int = 0
    cores: int | None = None
    sources: int | None = 1
    sources_each: int | None = None
    source_addresses: tuple[str, ...] = ()
    interface: str = ""
    bind_mode: BindMode | None = None
    port_range: tuple[int, int] | None = None
    reserved_ports: str = ""
    connections_max: int | None = None
    connections: int | None = None
    nofile: int | None = None
    processes: int = 1
    backlog: int | None = None
    stall: float | None = None
    application_memory: int | None = None
    conntrack: bool | None = None
    cloud: str = ""
    tracked_max: int | None = None
    reports: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    open: frozenset[str] = frozenset()
    forwards: bool = False

    @property
    def serving(self) -> int:
        """Hosts that carry when the spare ones are down."""
        return max((self.hosts or 0) - self.spare, 0)

    @property
    def outgoing(self) -> int:
        """Connections that each connection of the tier opens."""
        return sum(leg.per for leg in self.to)


@dataclass(frozen=True, slots=True)
class Topology:
    """A target and the tiers that shall carry it, each after all that connect to it; `origin` is the file.

    `connections` are those of all first tiers, `rate` new ones a second, `hold` the seconds that one lives (0: it
    stays). `headroom` is the share of every bound that stays free, `below_knee`: no pool may be filled beyond half.
    """

    name: str
    connections: int
    rate: int
    tiers: tuple[Tier, ...]
    hold: int = 0
    headroom: Fraction = Fraction(0)
    below_knee: bool = True
    message: Message = Message()
    title: str = ""
    origin: str = ""

    def tier(self, name: str) -> Tier:
        """Return a tier by name; raises StopIteration."""
        return next(tier for tier in self.tiers if tier.name == name)

    def inbound(self, name: str) -> tuple[str, ...]:
        """Return the tiers that connect to a tier."""
        return tuple(t.name for t in self.tiers if any(name in leg.tiers for leg in t.to))

    @property
    def first(self) -> tuple[Tier, ...]:
        """The tiers that nothing connects to: there connections begin."""
        return tuple(t for t in self.tiers if not self.inbound(t.name))


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that a host of a tier takes for its load: `subject` and `operator` as in a profile.

    A host that has a better value than one that is only "at least" or "at most" keeps it.
    """

    subject: str
    value: Value
    unit: str
    why: str
    operator: str = ""


@dataclass(frozen=True, slots=True)
class Hop:
    """One leg of a tier: what runs over it in connections of the leg, and how full that makes its port pools.

    `backends` are the hosts and ports at its end, `pairs` the pools (source address, backend) of one host, `ports` what
    one of them holds, `knee` where it gets slow (None: nowhere), `each` the connections in the fullest one at the
    target. With bind() a pool is a source address, whatever the backend. Of the `in_range` ports from low to high some
    may be reserved, or be those on which the host itself listens.
    """

    tier: str
    to: tuple[str, ...]
    connections: int
    backends: int
    mode: BindMode
    low: int
    high: int
    sources: int
    pairs: int
    ports: int
    knee: int | None
    each: int
    in_range: int = 0
    reserved: int = 0
    listening: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TierPlan:
    """One tier at the target: `connections` of the whole tier, `workload` of one host, its `bounds`, least first.

    `factor` is the tier's connections for each one of the topology. Bounds are in connections (or connections/s) of
    one host. `settings` are what such a host takes, `notes` what is assumed. `alone` is what the whole would carry if
    this tier dialled from one source address a host; None where it does so already, or something else would stop first.
    """

    tier: Tier
    connections: int
    rate: int
    factor: Fraction
    workload: Workload
    machine: Machine
    bounds: tuple[Bound, ...]
    hops: tuple[Hop, ...] = ()
    settings: tuple[Setting, ...] = ()
    notes: tuple[str, ...] = ()
    alone: int | None = None

    def whole(self, of_host: int) -> int:
        """Return the connections of the topology at which each host of the tier carries so many."""
        return math.floor(of_host * self.tier.serving / self.factor) if self.factor else 0


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """Where the whole stalls or slows: a bound of a tier, in connections of the topology; `knee`: it only slows."""

    tier: str
    bound: Bound
    connections: int
    knee: bool = False


@dataclass(frozen=True, slots=True)
class Sizing:
    """A topology and what it comes to: `bottlenecks` where it stalls, the narrowest first, and where it slows.

    `carried`: every bound holds the target with its headroom, and no knee is passed where none may be. `rates` are
    bounds in connections a second below what is wanted, by tier. `unknown` are bounds that could not be told.
    `clouds` say what providers will do, `warnings` what else is to be heeded. `command` is the one that made it, as far
    as the next ones begin with it.
    """

    topology: Topology
    tiers: tuple[TierPlan, ...]
    bottlenecks: tuple[Bottleneck, ...]
    rates: tuple[tuple[str, Bound], ...] = ()
    unknown: tuple[tuple[str, str, Unknown], ...] = ()
    carried: bool = False
    clouds: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    solved: bool = False
    command: str = ""

    def plan(self, name: str) -> TierPlan:
        """Return a tier's plan by name; raises StopIteration."""
        return next(p for p in self.tiers if p.tier.name == name)


@dataclass(frozen=True, slots=True)
class Pair:
    """A source address and the backend that is reached from it; `tier` is the backend's."""

    source: str
    backend: Backend
    tier: str


@dataclass(frozen=True, slots=True)
class PlannedHost:
    """One host of a plan by name (`lb-1`), with everything that its programs' configurations need.

    `sources` are the addresses it dials from, its own `address` where it has no others, none where it dials nowhere;
    `extra` those of them that have to be added to it. `pairs` are all (source, backend) it uses, per backend in the
    order of the sources. `workload` is its share with its backends and sources.
    """

    name: str
    tier: Tier
    address: str
    ports: tuple[int, ...]
    sources: tuple[str, ...]
    extra: tuple[str, ...]
    pairs: tuple[Pair, ...]
    workload: Workload
    settings: tuple[Setting, ...] = ()


@dataclass(frozen=True, slots=True)
class Deployment:
    """A sizing with every host and address named: what configurations are written from; `programs` may run there."""

    sizing: Sizing
    hosts: tuple[PlannedHost, ...]
    programs: tuple[KnownProgram, ...] = ()

    def of(self, tier: str) -> tuple[PlannedHost, ...]:
        """Return the hosts of a tier, in order."""
        return tuple(h for h in self.hosts if h.tier.name == tier)
