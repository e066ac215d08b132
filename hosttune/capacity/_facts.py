"""What the bounds are computed from: readings and counts, gathered by the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hosttune.model import GroupLimit, Machine, PortPool, Process, Reading, Unknown, Workload


@dataclass(frozen=True, slots=True)
class CapacityFacts:
    """`nofile` is the reading that binds the role's program and `program` its name; counts are None where unknown.

    `raises_nofile`: the program raises its soft limit to the hard one when it starts. `wide` are the pools as they
    would be with the widest range. `process` is the running program. `files_open` is what /proc/sys/fs/file-nr
    counts, `tracked` nf_conntrack_count, `sockets_open` TCP sockets of all namespaces, `threads` tasks of the host,
    `neighbours` entries of the table, `on_link` the backends that would be such. `groups` are the limits of control
    groups that hold for the program, Unknown where they could not be told. `allowance` is the connections that the
    cloud may still track: None where it does not count, Unknown where its driver does not tell; `exceeded` are the
    packets that it dropped beyond them.
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
    process: Process | None = None
    sockets_open: int | None = None
    threads: int | None = None
    neighbours: int | None = None
    on_link: int | None = None
    groups: tuple[GroupLimit, ...] | Unknown = ()
    allowance: int | Unknown | None = None
    exceeded: int = 0

    @property
    def program_name(self) -> str:
        """The program that carries the connections, as its unit or its process is called; "" where none is known."""
        kind, _, name = self.nofile.subject.name.partition("/") if self.nofile else ("", "", "")
        return name if kind == "unit" else self.process.name if self.process else ""

    @property
    def descriptors_open(self) -> int:
        """Descriptors that the running program holds; 0 where it does not run, or they cannot be counted."""
        held = self.process.descriptors if self.process else 0
        return held if isinstance(held, int) else 0

    @property
    def own(self) -> int:
        """Descriptors of the program itself: no more than it has open, if it runs, else those of the profile.

        A profile keeps a budget: what a program that carries nothing yet has open is nearer to the truth.
        """
        budget = self.workload.own_descriptors
        if self.workload.own_descriptors_exact or not self.descriptors_open:
            return budget
        return min(budget, self.descriptors_open)

    @property
    def carried(self) -> int:
        """Connections that the running program is taken to hold now: its descriptors without its own."""
        spare = self.descriptors_open - self.own
        return max(int(spare / self.workload.descriptors_each), 0)

    def short(self, hard: int | Unknown | None) -> bool:
        """Say whether a bound is known and below the connections that are wanted."""
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
