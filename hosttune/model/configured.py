"""What a program's configuration comes to: where connections enter, where they are led to, and its own limits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from hosttune.model.capacity import Backend, BindMode, Settings


@dataclass(frozen=True, slots=True)
class OwnLimit:
    """A limit that a program sets itself: its configuration, or a default that the configuration leaves as it is.

    `kind` is the kind of its bound (`maxconn`, `worker-connections`), `of` what it is one of where a program has
    several (`frontend f`), "" for the whole program. `value` is the number as it is configured, `setting` how the
    configuration calls it, `where` its file:line, "" for a default. A connection of the role takes `each` of it, `kept`
    are taken by what is no connection, and there are `copies` of it: one for each worker process. `part` of the
    connections of the role come to it, where others share them. `unit` is connections, or connections/s. `fails` is
    what a client beyond it meets, as bounds say it; `notes` are for a reader of the bound. `used` are the connections
    that the running program says it has of it now, `waiting` those that it keeps in its queue; None where it does not
    say.
    """

    kind: str
    value: int
    setting: str
    of: str = ""
    where: str = ""
    each: int = 1
    kept: int = 0
    copies: int = 1
    part: Fraction = Fraction(1)
    unit: str = "connections"
    fails: str = ""
    notes: tuple[str, ...] = ()
    used: int | None = None
    waiting: int | None = None

    @property
    def most(self) -> int:
        """The connections of the role that it lets through."""
        return math.floor(self.copies * max((self.value - self.kept) // self.each, 0) / self.part)

    def value_for(self, connections: int) -> int:
        """Return the least value that lets so many through."""
        return -(-math.ceil(connections * self.part) // self.copies) * self.each + self.kept


@dataclass(frozen=True, slots=True)
class Server:
    """A destination of a section that gets connections; `backend` has its address, sources and way of binding.

    `weight` is its share among the servers of its section. `most` are the connections that it is given at once, None
    for no limit: beyond them its section gives them to others, or keeps them waiting. `shares` are those of the
    sources of `backend`, in their order; () for equal ones. `backup`: it gets what the others refuse, not a share.
    `follows`: its port, or address, is the one that the client connects to, or relative to that.
    """

    name: str
    where: str
    backend: Backend
    weight: int = 1
    most: OwnLimit | None = None
    shares: tuple[Fraction, ...] = ()
    backup: bool = False
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Portless:
    """A server of a section that gets its share of the connections and takes no ports: one on a Unix socket.

    `weight` is its share as that of a Server is, `most` the connections that it is given at once, None for no limit.
    """

    weight: int = 1
    most: OwnLimit | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Servers that share connections: a backend or listen of HAProxy, an upstream of nginx, a cluster of Envoy.

    `name` is as its users call it (`backend b`). `limits` are its own, beside those of its servers. `moves_on`: what
    one server cannot take goes to the next one, so that nothing fails before all are full. `uneven` says why the
    shares do not follow the weights (a hash of the client's address), "" where they do. `unknown` are servers that get
    connections which nobody can count here, each with file:line and why; `growing`: there may be more servers later.
    `idle` are those that its lines name and that get nothing as it is configured (disabled, weight 0, a backup).
    `portless` are those that share the connections with `servers` and take no ports.
    """

    name: str
    where: str
    servers: tuple[Server, ...]
    limits: tuple[OwnLimit, ...] = ()
    moves_on: bool = False
    uneven: str = ""
    unknown: tuple[str, ...] = ()
    growing: str = ""
    idle: tuple[Server, ...] = ()
    portless: tuple[Portless, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """Where connections of the role enter: a frontend or listen of HAProxy, a server of nginx, a listener.

    `limits` are those of what enters here, `leads` the names of the sections that it may give connections to.
    `backlog` is what it passes to listen(), 0 where the configuration does not say. `inner`: all that enters here has
    entered at another one before.
    """

    name: str
    where: str
    limits: tuple[OwnLimit, ...] = ()
    leads: tuple[str, ...] = ()
    backlog: int = 0
    inner: bool = False


@dataclass(frozen=True, slots=True)
class Configuration:
    """What all files of one program come to.

    `program` is its name in profiles/programs, `files` those that were read, in order. `sections` are those that get
    connections, `limits` those of the whole program. `pipes` are those of a connection where it splices, None where it
    does not; `mode` is how its connections get their ports where a backend does not say another, None where it makes
    none. `notes` are what a reader is told of lines that were passed over. `sockets` are the paths of its admin
    sockets in the file system, as the process sees them, in the order of the files. `carried` are the connections that
    the running program says it has now, `reckoned` the most that it reckoned for itself where no line says it.
    `passes` is how often each connection enters at least: more than once where servers are entries of its own.
    """

    program: str
    files: tuple[str, ...]
    settings: Settings
    entries: tuple[Entry, ...] = ()
    sections: tuple[Section, ...] = ()
    limits: tuple[OwnLimit, ...] = ()
    pipes: float | None = None
    mode: BindMode | None = None
    notes: tuple[str, ...] = ()
    sockets: tuple[str, ...] = ()
    carried: int | None = None
    reckoned: int | None = None
    passes: int = 1

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was passed over, and what could not be counted: for a reader of any number that follows."""
        unknown = (reason for section in self.sections for reason in section.unknown)
        return tuple(dict.fromkeys((*self.notes, *(f"not counted: {reason}" for reason in unknown))))

    @property
    def backends(self) -> tuple[Backend, ...]:
        """The destinations of all servers, each way of reaching one once, in the order of the files."""
        return tuple(dict.fromkeys(server.backend for section in self.sections for server in section.servers))


@dataclass(frozen=True, slots=True)
class Difference:
    """What a running program goes by, where its configuration on disk says otherwise.

    `of` is what it is one of (`frontend f`, `backend b/s1`), "" for the whole program; `setting` what differs,
    `on_disk` and `in_force` its two values, as people write them. `where` is file:line, `shown` the question that the
    program answered; `fix` makes the two alike.
    """

    program: str
    of: str
    setting: str
    on_disk: str
    in_force: str
    where: str
    shown: str
    fix: str


@dataclass(frozen=True, slots=True)
class Programs:
    """Who carries the connections: a unit, logins, a process; whether the unit raises its soft limit by itself.

    `configuration` is the one that was named, or that the running program was started with: as it is in force, where
    the program says so. `differences` are those of what is in force from what is on disk.
    """

    unit: str
    users: tuple[str, ...]
    pid: int | None
    unit_raises: bool = False
    configuration: Configuration | None = None
    differences: tuple[Difference, ...] = ()
