"""What a host shall carry, what it has for that, and where each limit lies."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from hosttune.model.findings import Unknown, Value
from hosttune.model.listening import Listener, endpoint
from hosttune.model.routing import Caller


class BindMode(StrEnum):
    """How a program gets its local port (KERNEL: net/ipv4/inet_hashtables.c, inet_connection_sock.c)."""

    CONNECT = "connect"
    NO_PORT = "no-port"
    BIND = "bind"
    EXPLICIT = "explicit"


@dataclass(frozen=True, slots=True)
class Backend:
    """A destination: numeric address, port, the name the user gave, and the sources its configuration names.

    `mode` and `ports`, LO-HI, are how a program gets its ports towards it, where that differs from the workload's.
    `zone` is the interface of a link-local address of IPv6 (RFC 4007), "" for every other.
    """

    address: str
    port: int
    name: str = ""
    sources: tuple[str, ...] = ()
    mode: BindMode | None = None
    ports: tuple[int, int] | None = None
    zone: str = ""

    def __str__(self) -> str:
        return endpoint(f"{self.address}%{self.zone}" if self.zone else self.address, self.port)


@dataclass(frozen=True, slots=True)
class Workload:
    """What the host shall carry; connections are those of the role (a proxied one is two sockets, one tuple).

    `rate` is new connections per second, `stall` the longest pause of accept() in seconds, `hold` seconds that a
    connection lives (0: it stays), `own_descriptors` those a program needs besides connections (a budget, or `exact`),
    `pipes_per_connection` pipes of a proxy that splices, two descriptors each, `bytes_in_flight` unread or unsent
    bytes per connection, `application_memory` bytes the program itself takes per connection (0: not known),
    `backlog` what it passes to listen() (0: not known), `disconnect` the share of the connections that may end at
    once, `bind_range` the LO-HI of a program that chooses its ports itself, with SO_REUSEADDR (explicit) or without
    (bind), or that it gives the kernel to choose from (IP_LOCAL_PORT_RANGE: connect and no-port). `message_size` is
    the bytes of each message among those in flight (0: not known), `caller` what routing knows of the program.
    """

    connections: int
    rate: int
    sockets_per_connection: int = 1
    descriptors_per_connection: int = 1
    tuples_per_connection: int = 1
    own_descriptors: int = 200
    own_descriptors_exact: bool = False
    pipes_per_connection: float = 0.0
    threads_per_connection: int = 0
    stall: float = 1.0
    hold: int = 0
    bytes_in_flight: int = 0
    application_memory: int = 0
    backlog: int = 0
    disconnect: float = 0.0
    bind_mode: BindMode = BindMode.CONNECT
    bind_range: tuple[int, int] | None = None
    backends: tuple[Backend, ...] = ()
    sources: tuple[str, ...] = ()
    message_size: int = 0
    caller: Caller = field(default_factory=Caller)

    @property
    def descriptors_each(self) -> Fraction:
        """Descriptors of one connection, its share of the pipes included (pipe(2) makes two)."""
        return self.descriptors_per_connection + 2 * Fraction(str(self.pipes_per_connection))

    @property
    def forwards(self) -> bool:
        """Whether the host only passes the connections on: it has no socket of them."""
        return not self.sockets_per_connection

    @property
    def entries_each(self) -> int:
        """Entries of conntrack of one connection: one on each side of a proxy, one of what is passed on."""
        return max(self.sockets_per_connection, 1)

    def descriptors(self, connections: int) -> int:
        """Return the descriptors that a program needs to carry so many, its own included."""
        return math.ceil(connections * self.descriptors_each) + self.own_descriptors


@dataclass(frozen=True, slots=True)
class PortPool:
    """The local ports that can still reach one backend from one source address.

    All counts are ports. `in_range` is the size of the range, `usable` what is left of it without reserved and
    blocked ports: the hard limit of an idle host; `free` can be had now. Where the kernel does not show whether held
    ports came from bind() or connect(), or the search misses a port by chance, these are the least, and `usable_most`
    and `free_most` the greatest; else they are the same.
    `knee` is the number of connections from which every connect() re-scans the ports of one parity; None if it has
    none. `device` is the interface or VRF that its sockets are bound to, "" for none. `stamps`: the other end has TCP
    timestamps, without which no port in TIME_WAIT is taken over; None where no connection to it shows it. `when` is on
    what it depends that a program has this source, "" where nothing does; `fails` how each connection fails, where
    none can be had.
    """

    source: str
    backend: Backend
    mode: BindMode
    low: int
    high: int
    in_range: int
    reserved: int
    blocked: int
    usable: int
    established: int
    time_wait: int
    other: int
    free: int
    free_most: int
    knee: int | None
    notes: tuple[str, ...] = ()
    usable_most: int = -1
    device: str = ""
    stamps: bool | None = None
    when: str = ""
    fails: str = ""

    def __post_init__(self) -> None:
        if self.usable_most < self.usable:
            object.__setattr__(self, "usable_most", self.usable)

    @property
    def used(self) -> int:
        return self.established + self.time_wait + self.other


def pool_key(source: str, backend: Backend, mode: BindMode) -> tuple[object, ...]:
    """Return what tells the pools of a host apart; to let connect() choose is the same with a source and without."""
    own = backend.mode or mode
    way = BindMode.CONNECT if own is BindMode.NO_PORT else own
    return (source, backend.address, backend.zone, backend.port, way, backend.ports)


@dataclass(frozen=True, slots=True)
class Remedy:
    """The least that one thing must have for the workload: raising a bound, worked out backwards.

    `subject` is its address (`sysctl:fs.nr_open`, `nofile:unit/haproxy.service`, `sources`, `memory`), `value` the
    least that reaches the target, `comfortable` what also stays below the knee, or keeps what the profile keeps for the
    program itself; None where there is no such. `text` is how a person reads it.
    """

    subject: str
    value: Value
    comfortable: Value | None
    unit: str
    text: str


class Scope(StrEnum):
    """What a bound is one of: SECTION are backends that share connections, ALL all of them, POOL one of one source."""

    HOST = "host"
    PROGRAM = "program"
    LISTENER = "listener"
    SECTION = "section"
    BACKEND = "backend"
    ALL = "all"
    POOL = "one-pool"
    GROUP = "control group"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Bound:
    """One limit of the role in `unit`, "connections" or "connections/s": hard, and the knee where it slows first.

    `kind` is what is limited (`ports`, `nofile`), `scope` of what, `of` of which one where a host has several: the
    address of a backend, the path of a control group. `used` is what is taken now in the same unit. `reads` names the
    readings, `fails` how the program meets it (call and errno), `counter` the file and field that move, `log` the line
    that the kernel writes; "" where there is none. `remedies` are what raises it, and to what. `hard` None means that
    it does not refuse here; it may still slow. Where something that decides cannot be known, `hard` is the least that
    it can be and `most` the greatest, and a note says what is not known; `most` None: `hard` is exact.
    """

    kind: str
    name: str
    hard: int | Unknown | None = None
    knee: int | None = None
    used: int | None = None
    reads: str = ""
    fails: str = ""
    remedies: tuple[Remedy, ...] = ()
    notes: tuple[str, ...] = ()
    log: str = ""
    counter: str = ""
    unit: str = "connections"
    scope: Scope = Scope.HOST
    of: str = ""
    most: int | None = None

    @property
    def id(self) -> str:
        """What prints and documents call it: no two bounds of a host have the same."""
        which = self.of or (self.scope.value if self.scope in (Scope.ALL, Scope.POOL) else "")
        return f"{self.kind}:{which}" if which else self.kind

    @property
    def raised_by(self) -> str:
        """What raises it, and to what, as one line."""
        return ", ".join(remedy.text for remedy in self.remedies)


@dataclass(frozen=True, slots=True)
class Process:
    """The running process that carries the connections.

    `descriptors` are open now, `resident` its memory in bytes; `exempt`: it has CAP_SYS_ADMIN on the host itself.
    `name` is that of the program, as the kernel has it (15 characters). `accepted` are connections at the ports that
    it listens on, `outgoing` the others; None where they were not counted. `backlogs` are those of its listeners, as
    the kernel holds them, and `listeners` these themselves, those of its workers among them. `wrapped`: it is linked
    with TCP wrappers. `workers` are the processes like it that share the connections, itself among them, and `total`
    the descriptors of them all. `direct` are sockets that io_uring keeps for it, which have no descriptor.
    """

    pid: int
    descriptors: int | Unknown
    resident: int | None
    exempt: bool | None
    name: str = ""
    threads: int | None = None
    accepted: int | None = None
    outgoing: int | None = None
    backlogs: tuple[int, ...] = ()
    wrapped: bool | None = None
    workers: int = 1
    total: int | None = None
    listeners: tuple[Listener, ...] = ()
    direct: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """What a program's configuration says of its descriptors; `program` is its kind, `path` the file.

    `maxconn` 0 and `threads` None: not set. `kept` are the descriptors beside connections and threads that it counts
    for: listeners and health checks. `strict`: it does not start where nofile is less than maxconn takes. `ceiling` is
    a limit of descriptors of its own, 0 where it has none. `workers` are the processes that carry connections, `nofile`
    the descriptors that it gives each of them, which it calls `nofile_name`; 0 where the configuration does not say.
    """

    program: str
    path: str
    maxconn: int = 0
    kept: int = 0
    threads: int | None = None
    strict: bool = True
    ceiling: int = 0
    workers: int = 0
    nofile: int = 0
    notes: tuple[str, ...] = ()
    nofile_name: str = ""


@dataclass(frozen=True, slots=True)
class GroupLimit:
    """A limit of a control group (cgroups(7)): `controller` is memory or pids, `file` where it is written.

    `limit` and `used` are bytes or tasks; of memory `used` leaves out the page cache that can be dropped. `refused` is
    how often the limit was met, `sockets` the bytes that data in sockets takes of it; None where that is not shown.
    """

    controller: str
    group: str
    file: str
    limit: int
    used: int
    refused: int | None = None
    sockets: int | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """The host as far as requirements and bounds depend on it; memory in bytes, `None` or "" where not known.

    `page_size` is that of its kernel, in which tcp_mem and the like are counted. `queueing` says why packets wait in
    the queue of a CPU (netdev_max_backlog), one reason each; () where none do.
    """

    hostname: str
    distribution: str
    version: str
    pretty: str
    kernel: str
    cpus: int | None
    memory: int | None
    memory_available: int | None
    virtualisation: str
    cloud: str
    container: str
    conntrack: bool | Unknown
    systemd: bool
    root_user: bool
    network_namespace: str
    addresses: tuple[str, ...] = ()
    local_routes: tuple[str, ...] = ()
    page_size: int | None = None
    queueing: tuple[str, ...] = ()
