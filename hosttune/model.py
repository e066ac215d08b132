"""The nouns of hosttune: frozen values that every other module passes along.

A profile gives `Requirement`s, the host gives `Reading`s, comparing them gives `Finding`s,
and a `Workload` on the same readings gives `Bound`s. A `Report` holds all of one run; a `Plan` of `Change`s mends it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

Value = int | str | tuple[int, ...]
"""A value as the kernel holds it: one integer, several (triples, ranges, soft and hard), or text."""


class Reason(StrEnum):
    """Why a layer could not be read; none of these is 0, and none equals another."""

    ABSENT = "absent here"
    UNREADABLE = "unreadable"
    INVISIBLE = "invisible in this namespace"
    READ_ONLY = "read-only here"
    MODULE = "module not loaded"
    GONE = "gone from this kernel"
    NOT_RECORDED = "not in the snapshot"
    UNSET = "no file sets it"
    UNDECIDED = "cannot be told"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A layer that could not be read, and why."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.detail}" if self.detail else self.reason.value


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """An address of one thing that has a value, such as `sysctl:net.core.somaxconn`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

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


@dataclass(frozen=True, slots=True)
class Reading:
    """One subject in each of its layers.

    `boot` is what the files on disk will make it after a reboot; `Unknown(UNSET)` when none sets it, so that
    the default of the kernel or of systemd holds. `origin` wins, `beaten` lost to it, last loser first.
    `notes` are sentences that qualify a layer (two loaders disagree, a module is loaded too late).
    """

    subject: Subject
    runtime: Value | Unknown
    boot: Value | Unknown
    origin: Origin | None = None
    beaten: tuple[Origin, ...] = ()
    notes: tuple[str, ...] = ()


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
    function that gave the value. `waived` is the reason of a waiver. `origin` is `profile file:table`.
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


class Verdict(StrEnum):
    """The five answers; DRIFT is right now but not after a boot, or right on disk but not in force."""

    OK = "OK"
    FAIL = "FAIL"
    DRIFT = "DRIFT"
    UNKNOWN = "UNKNOWN"
    NOT_APPLICABLE = "NOT_APPLICABLE"


@dataclass(frozen=True, slots=True)
class Finding:
    """A requirement held against a reading: the verdict and one human sentence why.

    Lints are findings too: they have an `id` of their own (`lint:range-over-listeners`), no requirement.
    """

    id: str
    subject: Subject
    verdict: Verdict
    severity: Severity
    because: str
    requirement: Requirement | None = None
    reading: Reading | None = None
    mend: str = ""


class BindMode(StrEnum):
    """How a program gets its local port (KERNEL: net/ipv4/inet_hashtables.c, inet_connection_sock.c)."""

    CONNECT = "connect"
    NO_PORT = "no-port"
    BIND = "bind"
    EXPLICIT = "explicit"


@dataclass(frozen=True, slots=True)
class Backend:
    """A destination: numeric address, port, the name the user gave, and the sources its configuration names."""

    address: str
    port: int
    name: str = ""
    sources: tuple[str, ...] = ()

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Workload:
    """What the host shall carry; connections are those of the role (a proxied one is two sockets, one tuple).

    `rate` is new connections per second, `stall` the longest pause of accept() in seconds, `hold` seconds that a
    connection lives (0: it stays), `own_descriptors` those a program needs besides connections (a budget, or `exact`),
    `pipes_per_connection` pipes of a proxy that splices, two descriptors each, `bytes_in_flight` unread or unsent
    bytes per connection, `application_memory` bytes the program itself takes per connection (0: not known),
    `backlog` what it passes to listen() (0: not known), `disconnect` the share of the connections that may end at
    once, `bind_range` the LO-HI of a program that chooses its ports itself, with SO_REUSEADDR (explicit) or without
    (bind).
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

    @property
    def descriptors_each(self) -> Fraction:
        """Descriptors of one connection, its share of the pipes included (pipe(2) makes two)."""
        return self.descriptors_per_connection + 2 * Fraction(str(self.pipes_per_connection))

    def descriptors(self, connections: int) -> int:
        """Return the descriptors that a program needs to carry so many, its own included."""
        return math.ceil(connections * self.descriptors_each) + self.own_descriptors


@dataclass(frozen=True, slots=True)
class PortPool:
    """The local ports that can still reach one backend from one source address.

    All counts are ports. `in_range` is the size of the range, `usable` what is left of it without reserved and
    blocked ports: the hard limit of an idle host; `free` can be had now. `free_least` is below `free` where the
    kernel does not show whether held ports came from bind() or connect() and the worse case is assumed.
    `knee` is the number of connections from which every connect() re-scans half of the range; None if it has none.
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
    free_least: int
    knee: int | None
    notes: tuple[str, ...] = ()

    @property
    def used(self) -> int:
        return self.established + self.time_wait + self.other


@dataclass(frozen=True, slots=True)
class Need:
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


@dataclass(frozen=True, slots=True)
class Bound:
    """One limit of the role in `unit`, "connections" or "connections/s": hard, and the knee where it slows first.

    `used` is what is taken now in the same unit. `reads` names the readings, `fails` how the program meets it (call
    and errno), `counter` the file and field that move, `log` the line that the kernel writes; "" where there is none.
    `needs` are what raises it, and to what. `hard` None means that it does not refuse here; it may still slow.
    """

    id: str
    name: str
    hard: int | Unknown | None
    knee: int | None
    used: int | None
    reads: str
    fails: str
    needs: tuple[Need, ...] = ()
    notes: tuple[str, ...] = ()
    log: str = ""
    counter: str = ""
    unit: str = "connections"

    @property
    def raised_by(self) -> str:
        """What raises it, and to what, as one line."""
        return ", ".join(need.text for need in self.needs)


@dataclass(frozen=True, slots=True)
class Process:
    """The running process that carries the connections.

    `descriptors` are open now, `resident` its memory in bytes; `exempt`: it has CAP_SYS_ADMIN on the host itself.
    `name` is that of the program, as the kernel has it (15 characters). `accepted` are connections at the ports that
    it listens on, `outgoing` the others; None where they were not counted. `backlogs` are those of its listeners, as
    the kernel holds them. `wrapped`: it is linked with TCP wrappers. `workers` are the processes like it that share the
    connections, itself among them, and `total` the descriptors of them all.
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


@dataclass(frozen=True, slots=True)
class Settings:
    """What a program's configuration says of its descriptors; `program` is its kind, `path` the file.

    `maxconn` 0 and `threads` None: not set. `kept` are the descriptors beside connections and threads that it counts
    for: listeners and health checks. `strict`: it does not start where nofile is less than maxconn takes. `ceiling` is
    a limit of descriptors of its own, 0 where it has none.
    """

    program: str
    path: str
    maxconn: int = 0
    kept: int = 0
    threads: int | None = None
    strict: bool = True
    ceiling: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupLimit:
    """A limit of a control group (cgroups(7)): `controller` is memory or pids, `file` where it is written.

    `limit` and `used` are bytes or tasks; of memory `used` leaves out the page cache that can be dropped.
    """

    controller: str
    group: str
    file: str
    limit: int
    used: int


@dataclass(frozen=True, slots=True)
class Machine:
    """The host as far as requirements and bounds depend on it; memory in bytes, `None` or "" where not known."""

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


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it can be put back to the byte.

    `text` is decoded with surrogateescape, so that any byte survives; `attributes` are (name, value in hex) of its
    extended attributes, the SELinux label among them. `uid` and `gid` None: those of the process that makes it.
    """

    text: str
    mode: int = 0o644
    uid: int | None = None
    gid: int | None = None
    attributes: tuple[tuple[str, str], ...] = ()


State = str | FileState | None
"""What a target holds: a file, or a text in the words of its backend; None where it is absent."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write: `backend` says how (changes/backends/), `target` what: a key, a path, a process, an address.

    `serves` are the subjects for whose sake it is made, `why` is the profile's reason.
    """

    backend: str
    target: str
    before: State
    after: State
    serves: tuple[str, ...] = ()
    why: str = ""

    def __str__(self) -> str:
        return f"{self.backend} {self.target}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in the order in which they are safe to make.

    `refusals` are reasons not to make any, each with its way out. `notes` are what the plan leaves alone, or what
    cannot be undone; `one_way` are the targets of these. `reload`: systemd has to read its units again. `restarts`
    are units that keep what they were started with until they are started again; `restart` says that this is done.
    """

    changes: tuple[Change, ...] = ()
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reload: bool = False
    restarts: tuple[str, ...] = ()
    restart: bool = False
    one_way: tuple[str, ...] = ()


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
