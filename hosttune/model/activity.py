"""What a host is doing at a moment: what the kernel counts, who talks to whom, which programs hold what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hosttune.model.capacity import Backend, BindMode, PortPool
from hosttune.model.findings import Unknown
from hosttune.model.listening import Listener


@dataclass(frozen=True, slots=True)
class Sample:
    """What the kernel counted at one moment, by name: `TcpExt.ListenOverflows`, `sockstat.TCP.tw`, `softnet.dropped`.

    `at` is seconds of the host's uptime. A counter that the host does not show is absent: it is never 0.
    """

    at: float
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Rates:
    """Two samples of one host, so that what happens now differs from what happened once."""

    before: Sample
    now: Sample

    @property
    def seconds(self) -> float:
        return max(self.now.at - self.before.at, 0.0)

    def moved(self, name: str) -> int | None:
        """Return by how much a counter rose between the two; None where either has not got it, or there is but one.

        A counter that fell began anew.
        """
        first, last = self.before.counters.get(name), self.now.counters.get(name)
        return None if first is None or last is None or not self.seconds else max(last - first, 0)

    def rose(self, name: str) -> int:
        """Return the same, 0 where it is unknown."""
        return self.moved(name) or 0

    def value(self, name: str) -> int | None:
        """Return what a counter stands at now; None where the host does not show it."""
        return self.now.counters.get(name)


@dataclass(frozen=True, slots=True)
class Flow:
    """The connections from one source address to one destination, counted: those that go out, not those accepted.

    `opening` are in SYN_SENT, and of them `retried` have sent their SYN more than once; `unread` have data that the
    program has not read; `resending` are established and wait for an answer to data that they have sent again. About
    so many where the table was only sampled.
    """

    source: str
    address: str
    port: int
    established: int = 0
    time_wait: int = 0
    opening: int = 0
    retried: int = 0
    other: int = 0
    unread: int = 0
    resending: int = 0

    @property
    def total(self) -> int:
        return self.established + self.time_wait + self.opening + self.other


@dataclass(frozen=True, slots=True)
class Program:
    """A process that holds descriptors, and its limits; `soft` and `hard` None where they could not be read.

    `ticks` are hundredths of a second of CPU that it has used, in the kernel and in all. `exempt`: it has CAP_SYS_ADMIN
    on the host itself, `resource`: CAP_SYS_RESOURCE. `here`: it is in the network namespace that was looked at.
    `started` is when it began, in seconds of the clock that logs have (since 1970), None where that is not known.
    `owner` is the unit of a service or the runtime of a container that its control group names, "" where it names
    none; None where that was not seen.
    """

    pid: int
    name: str
    uid: int
    descriptors: int
    soft: int | None
    hard: int | None
    system_ticks: int = 0
    ticks: int = 0
    threads: int = 0
    exempt: bool | None = None
    resource: bool | None = None
    here: bool | None = None
    started: int | None = None
    owner: str | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.pid})"


@dataclass(frozen=True, slots=True)
class Watching:
    """What one user has of inotify(7): its instances, and the watches in them; at least so many where not `whole`.

    `holder` is the process with the most instances, and `most` how many those are.
    """

    uid: int
    instances: int
    watches: int
    holder: str = ""
    most: int = 0
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Traffic:
    """The sockets of this network namespace, counted. `whole`: all were looked at, not a sample of them.

    `states` are sockets by state: SYN_SENT, SYN_RECV, FIN_WAIT1, CLOSE_WAIT, LAST_ACK, CLOSING, all of them counted.
    `unread` is the share of established sockets with data that the program has not read, `unsent` with data that the
    peer has not taken. `uids` are established sockets by user. `limited` says what this kernel does not show of them.
    """

    flows: tuple[Flow, ...] = ()
    listeners: tuple[Listener, ...] = ()
    states: Mapping[str, int] = field(default_factory=dict)
    uids: Mapping[int, int] = field(default_factory=dict)
    unread: float = 0.0
    unsent: float = 0.0
    whole: bool = True
    limited: str = ""


@dataclass(frozen=True, slots=True)
class PortUser:
    """A socket that has a local port: its `state` is as ss(8) names it, LISTEN, or BOUND where it is only bound.

    CONNECTED: it goes out, and neither where to nor its state is known. `peer` is the far end of a connection, "" of
    none. `pid` and `name` are its owner, None and "" where that was not found; one in TIME_WAIT has none.
    """

    address: str
    state: str
    uid: int = 0
    peer: str = ""
    peer_port: int = 0
    pid: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class PortUsers:
    """The sockets that have a port, listeners first; `many`: there are more of them than these."""

    port: int
    users: tuple[PortUser, ...] = ()
    many: bool = False


@dataclass(frozen=True, slots=True)
class Shared:
    """The conntrack entries of those who share one source address towards one destination (source NAT)."""

    address: str
    target: str
    port: int
    entries: int


@dataclass(frozen=True, slots=True)
class Tracked:
    """What the conntrack table holds: entries by state, the names of include/uapi/linux/netfilter/nf_conntrack_tcp.h.

    `seen` entries were looked at, and `whole`: they are all. The counts of `shared` are of the whole table, the fullest
    first; about so many where it was only sampled.
    """

    seen: int
    whole: bool
    states: Mapping[str, int]
    shared: tuple[Shared, ...] = ()


@dataclass(frozen=True, slots=True)
class Ipvs:
    """What IPVS of this network namespace balances: `services` are the endpoints that it answers for.

    `entries` are its connections, those that are over too, `states` how many are in each as `ipvsadm -Lcn` names them;
    `whole`: all were looked at. `reuse` is conn_reuse_mode, `expires` expire_nodest_conn, None where not seen.
    """

    services: tuple[str, ...] = ()
    entries: int = 0
    states: Mapping[str, int] = field(default_factory=dict)
    whole: bool = True
    reuse: int | None = None
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """How much of one limit is taken now.

    `kind` is what is limited, `of` which one where there are several: a source and its backend, a source alone where
    bind() takes a port whatever the backend, a process, a listener, a control group. `limit` None: there is none here,
    Unknown: it could not be read. `knee` is where it slows first. `reads` names where both are read. `mode` is the bind
    mode of a pool of ports.
    """

    kind: str
    name: str
    used: int
    limit: int | Unknown | None
    unit: str
    reads: str
    knee: int | None = None
    mode: str = ""
    of: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What prints and documents call it: `ports:10.0.0.9->10.0.0.11:1883`, `nofile:812`, `conntrack`."""
        return f"{self.kind}:{'->'.join(self.of)}" if self.of else self.kind

    @property
    def share(self) -> float | None:
        """What part of the limit is taken; None where there is none, or it is not known."""
        if not isinstance(self.limit, int):
            return None
        return self.used / self.limit if self.limit else 1.0

    @property
    def nearness(self) -> float:
        """What part of the knee, or of the limit where there is no knee, is taken: 1 and more is beyond it."""
        share = self.share or 0.0
        return max(share, self.used / self.knee) if self.knee else share


@dataclass(frozen=True, slots=True)
class Pools:
    """The port pools of the destinations that were found or named, and the way in which their ports are bound.

    `basis` is how the bind mode of each source and backend is known; `unsure` are those where nothing shows it. Both
    are empty where the person named the mode. `narrow` are those whose program gives connect() a range of its own, as
    far as the ports in use show it.
    """

    pools: tuple[PortPool, ...] = ()
    basis: Mapping[tuple[str, Backend], str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unsure: frozenset[tuple[str, Backend]] = frozenset()
    narrow: frozenset[tuple[str, Backend]] = frozenset()

    def guessed(self, pool: PortPool) -> bool:
        """Say whether a program's own range is known only from the ports that it uses now: it may be wider."""
        pair = (pool.source, pool.backend)
        return pair in self.narrow or (pool.mode is BindMode.EXPLICIT and pair in self.basis)
