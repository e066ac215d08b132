"""What the bounds are computed from: readings and counts, gathered by the caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hosttune.model import Configuration, GroupLimit, Machine, PortPool, Process, Reading, Settings, Unknown, Workload
from hosttune.model.clouds import KnownCloud
from hosttune.model.filtering import Packet, Ruleset, Translated
from hosttune.model.programs import KnownProgram, known_as

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class CapacityFacts:
    """`nofile` is the reading that binds the role's program and `program` its name; counts are None where unknown.

    `raises_nofile`: the program raises its soft limit to the hard one when it starts. `wide` are the pools as they
    would be with the widest range. `process` is the running program. `files_open` is what /proc/sys/fs/file-nr
    counts, `tracked` nf_conntrack_count, `sockets_open` TCP sockets of all namespaces, `threads` tasks of the host,
    `neighbours` entries of the table, `on_link` the backends that would be such. `groups` are the limits of control
    groups that hold for the program, Unknown where they could not be read. `allowance` is the connections that the
    cloud may still track: None where it does not count, Unknown where its driver does not tell; `exceeded` are the
    packets that it dropped beyond them. `configuration` is what the program's configuration comes to, where it was
    read, `routed` the sources that routing picks by destination; `programs` what is known of the program, and of the
    one that the configuration is of. `ruleset` is what the packet filter does, None where it was not asked, `egress`
    the interface towards each backend by its text, `translated` the ports of source NAT in use towards them.
    `beside` are open connections of other sources towards the backends, by the first packet of each as rules see it.
    `widened` gives the pools of a range from a port on, or no higher than now, to the last; of two ports, from the
    first to the second. `multipath`: sockets of MPTCP listen or are connected. `optimistic`: of pools whose ports are
    known as a range the greatest counts. `forwarding`: interfaces that pass on by a switch of their own. `clouds` is
    what is known of providers.
    """

    readings: Mapping[str, Reading]
    pools: tuple[PortPool, ...]
    workload: Workload
    machine: Machine
    nofile: Reading | None = None
    program: str = ""
    raises_nofile: bool = False
    files_open: int | None = None
    tracked: int | None = None
    wide: tuple[PortPool, ...] = ()
    widened: Callable[..., tuple[PortPool, ...]] | None = field(default=None, repr=False, compare=False)
    process: Process | None = None
    sockets_open: int | None = None
    threads: int | None = None
    neighbours: int | None = None
    on_link: int | None = None
    groups: tuple[GroupLimit, ...] | Unknown = ()
    allowance: int | Unknown | None = None
    exceeded: int = 0
    configuration: Configuration | None = None
    routed: Mapping[str, str] = field(default_factory=dict)
    programs: tuple[KnownProgram, ...] = ()
    clouds: tuple[KnownCloud, ...] = ()
    multipath: bool = False
    optimistic: bool = False
    ruleset: Ruleset | Unknown | None = None
    egress: Mapping[str, str] = field(default_factory=dict)
    translated: tuple[Translated, ...] | Unknown = ()
    forwarding: tuple[str, ...] = ()
    beside: Mapping[Packet, int] = field(default_factory=dict)
    _reckoned: dict[str, Any] = field(init=False, default_factory=dict, repr=False, compare=False)

    def once(self, name: str, reckon: Callable[[], Answer]) -> Answer:
        """Return what follows from these facts alone, reckoned when it is asked for first; `name` tells it apart."""
        if name not in self._reckoned:
            self._reckoned[name] = reckon()
        answer: Answer = self._reckoned[name]
        return answer

    @property
    def settings(self) -> Settings | None:
        """What the configuration says of descriptors, None where none was read."""
        return self.configuration.settings if self.configuration else None

    @property
    def program_name(self) -> str:
        """The program that carries the connections, as its unit or its process is called; "" where none is known."""
        kind, _, name = self.nofile.subject.name.partition("/") if self.nofile else ("", "", "")
        return name if kind == "unit" else self.process.name if self.process else ""

    @property
    def known(self) -> KnownProgram:
        """What is known of that program."""
        return known_as(self.programs, self.program_name)

    @property
    def dialler(self) -> str:
        """The program that connects to the backends: the one whose configuration names them, if one does."""
        return self.settings.program if self.settings else self.program_name

    @property
    def descriptors_open(self) -> int:
        """Descriptors that the running program holds; 0 where it does not run, or they cannot be counted."""
        held = self.process.descriptors if self.process else 0
        return held if isinstance(held, int) else 0

    @property
    def own(self) -> int:
        """Descriptors of the program itself: those that are no connections where they were counted.

        Else no more than it has open, if it runs, and no more than the profile keeps: that is a budget, and what a
        program that carries nothing yet has open is nearer to the truth.
        """
        budget = self.workload.own_descriptors
        if self.workload.own_descriptors_exact or not self.descriptors_open:
            return budget
        held = self._connected
        return min(budget, self.descriptors_open) if held is None else self.descriptors_open - held

    @property
    def carried(self) -> int:
        """Connections that the program holds now, its workers together; of a host that forwards those it tracks.

        It may say so itself; else they are its descriptors without its own.
        """
        if self.workload.forwards:
            return self.tracked or 0
        if self.configuration and self.configuration.carried is not None:
            return self.configuration.carried
        if self.process is None:
            return 0
        every = self.process.total if self.process.total is not None else self.descriptors_open
        spare = every - self.own * self.process.workers + self.process.direct
        return max(int(spare / self.workload.descriptors_each), 0)

    @property
    def _connected(self) -> int | None:
        """Descriptors of the process that are connections of the role, None where they were not told apart.

        One that only connects has others too, such as to a controller: those of the role go to the backends.
        """
        load, process = self.workload, self.process
        if process is None or process.accepted is None or process.outgoing is None:
            return None
        if load.sockets_per_connection <= load.tuples_per_connection:
            towards = sum(pool.established for pool in self.pools)
            return min(process.outgoing, towards) if self.pools else None
        return process.accepted + (process.outgoing if load.tuples_per_connection else 0)

    def short(self, hard: int | Unknown | None) -> bool:
        """Say whether a bound is known and below the target of connections."""
        return isinstance(hard, int) and hard < self.workload.connections

    def integer(self, key: str) -> int | Unknown | None:
        """Return a sysctl's running value, or that of the next boot where nothing runs; Unknown with its reason.

        A negative value is what the kernel took from somebody's mistake: it allows nothing.
        """
        layers = self._layers(key)
        value = next((layer for layer in layers if isinstance(layer, int)), None)
        if value is not None:
            return max(value, 0)
        return layers[0] if layers and isinstance(layers[0], Unknown) else None

    def numbers(self, key: str) -> tuple[int, ...] | Unknown | None:
        """Return a sysctl of several numbers in the same way."""
        layers = self._layers(key)
        value = next((layer for layer in layers if isinstance(layer, tuple)), None)
        if value is not None:
            return value
        return layers[0] if layers and isinstance(layers[0], Unknown) else None

    def text(self, key: str) -> str:
        """Return a sysctl that is a list, as text; "" where it could not be read."""
        return str(next((layer for layer in self._layers(key) if not isinstance(layer, Unknown)), ""))

    def _layers(self, key: str) -> tuple[object, ...]:
        reading = self.readings.get(f"sysctl:{key}")
        return (reading.runtime, reading.boot) if reading else ()
