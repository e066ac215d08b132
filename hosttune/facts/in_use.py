"""The ports in use as the sockets probe gives them, as sets: integers in which bit p stands for port p."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Used:
    """Ports of the sockets from one source to one backend, by state, and of all sockets on that source.

    `bound` are those of them that a bind() owns, `unsure` those of which that is not known.
    """

    established: int = 0
    time_wait: int = 0
    half_closed: int = 0
    other: int = 0
    on_source: int = 0
    bound: int = 0
    unsure: int = 0

    @property
    def every(self) -> int:
        """All ports of the pair."""
        return self.established | self.time_wait | self.half_closed | self.other


def used_of(row: Mapping[str, Any], on_source: int) -> Used:
    """Return what a row of the sockets probe says is in use; `on_source` are the ports of all sockets of the source."""
    sets = {name: int(row.get(name, "0"), 16) for name in ("established", "time_wait", "half_closed", "other")}
    return Used(**sets, on_source=on_source)
