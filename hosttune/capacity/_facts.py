"""What the bounds are computed from: readings and counts, gathered by the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hosttune.model import Machine, PortPool, Reading, Unknown, Workload


@dataclass(frozen=True, slots=True)
class CapacityFacts:
    """`nofile` is the reading that binds the role's program and `program` its name; counts are None where unknown.

    `raises_nofile`: the program raises its soft limit to the hard one when it starts. `files_open` is what
    /proc/sys/fs/file-nr counts, `tracked` nf_conntrack_count.
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

    def short(self, hard: int | Unknown | None) -> bool:
        """Say whether a bound is known and below what is wanted."""
        return isinstance(hard, int) and hard < self.workload.connections

    def integer(self, key: str) -> int | Unknown | None:
        """Return a sysctl's running value, or that of the next boot where nothing runs; Unknown with its reason."""
        reading = self.readings.get(f"sysctl:{key}")
        if reading is None:
            return None
        for layer in (reading.runtime, reading.boot):
            if isinstance(layer, int):
                return layer
        return reading.runtime if isinstance(reading.runtime, Unknown) else None
