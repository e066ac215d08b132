"""What of a document is drawn: bars, gauges, flows and curves."""

from __future__ import annotations

from dataclasses import dataclass

from hosttune.model.roles import Role


@dataclass(frozen=True, slots=True)
class Note:
    """A fact of a bar: `label` is empty where the text says what it is."""

    label: str
    text: str
    extra: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A number among others of its kind: `knee` is from where it is slow, `word` what it means for the target.

    Where it is known as a range only, `number` is the least and `most` the greatest.
    """

    name: str
    number: int
    word: str = ""
    notes: tuple[Note, ...] = ()
    knee: int | None = None
    used: int | None = None
    role: Role = Role.PLAIN
    extra: bool = False
    most: int | None = None

    @property
    def figure(self) -> str:
        """The number, or both ends of its range."""
        return f"{self.number:,}" if self.most is None else f"{self.number:,} to {self.most:,}"

    @property
    def shown(self) -> tuple[Note, ...]:
        """The notes that are shown where there is little room."""
        return tuple(note for note in self.notes if not note.extra)


@dataclass(frozen=True, slots=True)
class Bars:
    """Numbers on a log scale against a target; `title` heads them where they are a table, `more` says what is left out.

    What lies beyond `most` has a full bar; bars begin at the power of ten below the smallest. `names` is the head of
    the names where they are a table.
    """

    title: str
    target: int
    bars: tuple[Bar, ...]
    most: int
    label: int = 30
    more: str = ""
    extra: bool = False
    names: str = "limit"


@dataclass(frozen=True, slots=True)
class Gauge:
    """How full a limit gets: `load` of `limit`, slow above `knee`."""

    name: str
    load: int
    limit: int
    knee: int | None
    word: str
    role: Role
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Gauges:
    """How full limits of one kind are, in one unit; there is room for them beside a terminal only."""

    title: str
    gauges: tuple[Gauge, ...]
    unit: str = ""
    more: str = ""
    extra: bool = True


@dataclass(frozen=True, slots=True)
class Box:
    """A station of a flow: lines that say what it is, and its gauges; `step` is its place on the way, from 0."""

    name: str
    lines: tuple[str, ...]
    step: int
    gauges: tuple[Gauge, ...] = ()
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Wire:
    """A way from a box to another, with the notes that stand beside it."""

    start: str
    end: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """How things run from box to box, as lines of text and as a picture."""

    lines: tuple[str, ...]
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """One figure over time: points are (seconds, value), None where nothing is known for a while.

    `limits` and `knees` are (seconds, value) from where each held, `most` is the maximum, `note` what its legend adds.
    """

    name: str
    note: str
    points: tuple[tuple[float, float | None], ...]
    limits: tuple[tuple[float, int | None], ...] = ()
    knees: tuple[tuple[float, int | None], ...] = ()
    most: float = 0.0
    most_at: float = 0.0
