"""What a noun says, apart from how it is written: a small tree of blocks that every format walks.

Texts are plain and untrusted: a format makes them safe for what it writes. What is `extra` is left out where there is
little room, as on a terminal, and shown elsewhere. A role says in what light a thing stands; a format may give it a
colour, and the words of the thing say the same without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """In what light a thing stands: a verdict, or what part of the text it is."""

    PLAIN = "plain"
    GOOD = "good"
    DRIFT = "drift"
    BAD = "bad"
    UNKNOWN = "unknown"
    HEADING = "heading"
    LIMIT = "limit"
    COMMAND = "command"
    SOURCE = "source"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Mark:
    """Words of a text that stand in a light of their own, at their first place in it."""

    words: str
    role: Role


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or two; `label` stands before it with a colon where it has one, `depth` is how far it is indented.

    Paragraphs without `gap` stand right below what comes before. What is `brief` stands for a table where there is
    little room, and is left out elsewhere. The command after what is `joined` stands on the same line if it fits.
    """

    text: str
    label: str = ""
    role: Role = Role.PLAIN
    depth: int = 0
    gap: bool = False
    extra: bool = False
    brief: bool = False
    joined: bool = False
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """What belongs to an answer, beside its label; a `command` is to be pasted whole."""

    label: str
    text: str
    command: bool = False


@dataclass(frozen=True, slots=True)
class Callout:
    """The answer, why, and its facts below each other: `role` is its severity, `marks` are of the text and reasons."""

    text: str
    why: tuple[str, ...] = ()
    role: Role = Role.PLAIN
    facts: tuple[Fact, ...] = ()
    marks: tuple[Mark, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """Why, and the facts with their labels before them, for a page that has no columns."""
        return (*self.why, *(f"{fact.label}: {fact.text}" if fact.label else fact.text for fact in self.facts))


@dataclass(frozen=True, slots=True)
class Commands:
    """Lines to be pasted whole, and what for; lines that do not begin with two blanks are words between them.

    `spread`: they stand below what they are for, not beside it. `elsewhere`: they are for another machine than that of
    the reader.
    """

    what: str
    lines: tuple[str, ...]
    gap: bool = False
    spread: bool = False
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines that stay as they are, each with its own indentation.

    `literal`: to the letter; else there may be commands in them, spelled for their reader. `diff`: a difference of
    files, which is literal.
    """

    lines: tuple[str, ...]
    gap: bool = False
    marks: tuple[Mark, ...] = ()
    diff: bool = False
    literal: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """Items below a title; `joined`: they are short enough for one paragraph where there is little room."""

    title: str
    items: tuple[str, ...]
    joined: bool = False
    extra: bool = False


@dataclass(frozen=True, slots=True)
class Pasted:
    """Lines of a command, or of a file, that are pasted as they are."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and what they are; a name that was that of the row before is not said again."""

    rows: tuple[tuple[str, str | Pasted], ...]
    title: str = ""
    role: Role = Role.PLAIN
    gap: bool = True
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: `right` stands to the right, `label` is written before each value where there are no heads.

    It is `least` to `most` letters wide; where a line is too long, one that is `cut` gives way, and with `tail` keeps
    the end of its texts too. It is left out of a page of fewer than `wide` letters.
    """

    name: str = ""
    right: bool = False
    label: str = ""
    cut: bool = False
    least: int = 0
    most: int = 200
    tail: bool = False
    wide: int = 0
    extra: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Cells, and `notes` that belong to them, each below the other where there is no column for them."""

    cells: tuple[str, ...]
    notes: tuple[str, ...] = ()
    role: Role = Role.PLAIN
    extra: bool = False
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below heads; without `heads` each value stands beside its label, where there is little room.

    `notes` is the head of the column that has the notes of all rows, where these are in columns. What is `brief` is
    left out where there is more room, as of a paragraph. The rows of what is `sortable` may be put into another order,
    where a format can.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    title: str = ""
    heads: bool = True
    notes: str = ""
    gap: bool = True
    extra: bool = False
    brief: bool = False
    sortable: bool = False


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

    What lies beyond `most` has a full bar. With a `scale` the powers of ten stand above the bars, which begin at the
    one below the smallest. `names` is the head of the names where they are a table.
    """

    title: str
    target: int
    bars: tuple[Bar, ...]
    most: int
    label: int = 30
    more: str = ""
    scale: bool = True
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


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves of one unit over so many seconds; `table` are figures of a few moments, where no picture can be."""

    title: str
    unit: str
    seconds: float
    curves: tuple[Curve, ...]
    table: Table


Block = Paragraph | Callout | Commands | Lines | Listing | Pairs | Table | Bars | Gauges | Flow | Plot


@dataclass(frozen=True, slots=True)
class Document:
    """What a noun says: a title for a page, what it is about in a few parts, and blocks in their order."""

    title: str
    about: tuple[str, ...]
    blocks: tuple[Block, ...]


def paragraphs(texts: Iterable[str], *, label: str = "", gap: bool = False, depth: int = 0) -> tuple[Paragraph, ...]:
    """Return texts as paragraphs, the first of them apart from what comes before with `gap`."""
    return tuple(Paragraph(text, label, depth=depth, gap=gap and not number) for number, text in enumerate(texts))
