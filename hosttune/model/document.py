"""What a noun says, apart from how it is written: a small tree of blocks that every format walks.

Texts are plain and untrusted: a format makes them safe for what it writes. What is `extra` is left out where there is
little room, as on a terminal, and shown elsewhere. A role says in what light a thing stands; a format may give it a
colour, and the words of the thing say the same without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hosttune.model.drawings import Bars, Curve, Flow, Gauges
from hosttune.model.roles import Mark, Role


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
    """The answer, why, and its facts below each other: `role` is its severity."""

    text: str
    why: tuple[str, ...] = ()
    role: Role = Role.PLAIN
    facts: tuple[Fact, ...] = ()

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

    `diff`: a difference of files, to the letter; else there may be commands in them, spelled for their reader.
    """

    lines: tuple[str, ...]
    gap: bool = False
    diff: bool = False


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
