"""A host that is watched: one look at it, how fast each use grows, and a record of many looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hosttune.model.activity import Use
from hosttune.model.capacity import Machine
from hosttune.model.node import NetworkNamespace


@dataclass(frozen=True, slots=True)
class Tick:
    """One look at a host.

    `time` is seconds since 1970, `at` seconds of the host's uptime. `counters` are what the kernel counts, by name.
    `ages` are seconds by the id of a use: how long before this look it was counted, where it was not counted in it.
    `cost` is the share of one core that watching took since the look before; None at the first. `notes` are what could
    not be counted, and why. `namespaces` are the other network namespaces of the host, where they are watched.
    """

    time: float
    at: float
    counters: Mapping[str, int]
    uses: tuple[Use, ...]
    ages: Mapping[str, float] = field(default_factory=dict)
    cost: float | None = None
    notes: tuple[str, ...] = ()
    namespaces: tuple[NetworkNamespace, ...] = ()


@dataclass(frozen=True, slots=True)
class Trend:
    """A use and how it grows: `rate` in its unit per second, None where it was counted but once.

    `age` is how many seconds ago it was counted. `slow_in` and `full_in` are the seconds until it is at its knee, and
    at its limit, should it go on like that: 0 where it is there, None where it does not grow, or there is no such.
    """

    use: Use
    age: float = 0.0
    rate: float | None = None
    slow_in: float | None = None
    full_in: float | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What there is to show of one look: `rates` of the counters per second since the one before, `seconds` ago.

    `drops` is what was not carried per second, each once, None where that is not counted; `dropping` names what drops.
    `ghosts` are clients per second, at least, that are connected and that the server never had; None as well.
    `trends` are ranked. `changes` are the limits that changed a short while ago, as sentences, the last first.
    `interval` is the time between two looks that was asked for.
    """

    machine: Machine
    tick: Tick
    seconds: float
    rates: Mapping[str, float]
    trends: tuple[Trend, ...]
    drops: float | None = None
    dropping: tuple[str, ...] = ()
    ghosts: float | None = None
    changes: tuple[str, ...] = ()
    interval: float = 1.0
    sort: str = "nearness"
    recording: str = ""


@dataclass(frozen=True, slots=True)
class LookUse:
    """A use and its trend, as a document has it; `unknown` is why the limit could not be read, "" where it could."""

    id: str
    name: str
    unit: str
    used: int
    limit: int | None
    unknown: str
    knee: int | None
    age: float
    rate: float | None
    slow_in: float | None
    full_in: float | None


@dataclass(frozen=True, slots=True)
class Look:
    """One look, as a document has it: what of a View changes from one to the next, rounded to what can be told."""

    host: str
    time: float
    at: float
    seconds: float
    cost: float | None
    counters: Mapping[str, int]
    rates: Mapping[str, float]
    drops: float | None
    uses: tuple[LookUse, ...]
    changes: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """The head of a run in a record: which host it was, when it began (seconds since 1970), what was asked.

    `settings` are the sysctls as they read at its beginning.
    """

    started: float
    hostname: str
    pretty: str
    kernel: str
    cpus: int | None
    memory: int | None
    interval: float
    command: str
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """All of a record: its runs, its looks in the order of time, how many lines could not be read.

    `looks` is how many there were, before neighbours were made one.
    """

    runs: tuple[Run, ...]
    ticks: tuple[Tick, ...]
    torn: int = 0
    looks: int = 0


@dataclass(frozen=True, slots=True)
class Series:
    """One figure over time.

    `points` are (seconds since the record began, value), the value None where nothing was recorded for a while.
    `limits` and `knees` are (seconds, value) where each took effect, None for none. `most` is its maximum, at
    `most_at` seconds; `closest` the highest share of the limit of its time, None without one.
    """

    id: str
    name: str
    unit: str
    points: tuple[tuple[float, float | None], ...]
    most: float
    most_at: float
    limits: tuple[tuple[float, int | None], ...] = ()
    knees: tuple[tuple[float, int | None], ...] = ()
    closest: float | None = None

    @property
    def limit(self) -> int | None:
        """The limit at the end."""
        return self.limits[-1][1] if self.limits else None

    @property
    def knee(self) -> int | None:
        """The knee at the end."""
        return self.knees[-1][1] if self.knees else None


@dataclass(frozen=True, slots=True)
class Chart:
    """Figures of one unit that are shown together; `more` are as many again that are not."""

    title: str
    series: tuple[Series, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """What a record comes to, as a benchmark's report shows it: charts, the looks, and the gaps between them.

    `seconds` is its length, `ticks` the number of looks, `torn` lines that could not be read.
    """

    runs: tuple[Run, ...]
    seconds: float
    ticks: int
    torn: int
    charts: tuple[Chart, ...]
    changes: tuple[str, ...] = ()
