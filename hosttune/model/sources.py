"""How many source addresses a workload takes, which are free, and what gives them to a host."""

from __future__ import annotations

from dataclasses import dataclass

from hosttune.model.capacity import BindMode, Machine, PortPool


@dataclass(frozen=True, slots=True)
class More:
    """Source addresses to add: the least that carries it, and what stays below the knee too; None: no number does."""

    hard: int | None
    knee: int | None

    @property
    def best(self) -> int | None:
        """What one would rather add."""
        return self.hard if self.knee is None else self.knee


@dataclass(frozen=True, slots=True)
class EgressInterface:
    """An interface that leads to backends, for one family of addresses.

    `source` is what routing picks, `have` what can be bound there now, `connections` the share of the wanted ones that
    goes out there. `subnet` is "" where the source has none; `free` addresses of it are seen with nobody, in
    `ranges`, `seen` of it are others'. `chosen` are FIRST-LAST/PREFIX@INTERFACE to add. `via` is the gateway, "" where
    the backends are neighbours. `own`: the backends are on this host itself.
    """

    interface: str
    version: int
    source: str
    have: tuple[str, ...]
    via: str
    connections: int
    pools: tuple[PortPool, ...]
    now: More
    widest: More
    subnet: str = ""
    free: int = 0
    ranges: tuple[str, ...] = ()
    seen: int = 0
    chosen: tuple[str, ...] = ()
    own: bool = False

    @property
    def needed(self) -> More:
        """What is to be added, with the range that takes fewer."""
        return self.widest if self.widens else self.now

    @property
    def widens(self) -> bool:
        """Whether the widest range takes fewer addresses than the one now."""
        now, wide = self.now.best, self.widest.best
        return wide is not None and (now is None or wide < now)


@dataclass(frozen=True, slots=True)
class CloudAddresses:
    """What a cloud wants before it carries packets of another address: `command` has words in capitals to fill in."""

    name: str
    what: str
    command: str
    limit: str
    source: str


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """All egress interfaces, the range now and the widest one, and the next commands.

    `wanted` are the connections with the headroom. `anyip` is a prefix that could be made local instead, "" where none
    is needed. `local` are those that are so already. `cloud` is None where nothing is known of one, and `elsewhere`
    its name then.
    """

    machine: Machine
    connections: int
    wanted: int
    headroom: float
    mode: BindMode
    range_now: tuple[int, int]
    range_widest: tuple[int, int]
    egress_interfaces: tuple[EgressInterface, ...]
    anyip: str = ""
    local: tuple[str, ...] = ()
    cloud: CloudAddresses | None = None
    elsewhere: str = ""
    next: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def carried(self) -> bool:
        """Whether the addresses of now carry it with the range of now, below the knee where there is one."""
        return bool(self.egress_interfaces) and all(outlet.now.best == 0 for outlet in self.egress_interfaces)
