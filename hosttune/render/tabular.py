"""Blocks as a page with room has them: bars and curves as tables, notes in a column, paragraphs together."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from hosttune.model.document import Block, Column, Paragraph, Plot, Row, Table
from hosttune.model.drawings import Bars, Gauges
from hosttune.model.roles import Role
from hosttune.render.figures import amount


def pasted(line: str) -> bool:
    """Say whether a line among commands is to be pasted, and is no words."""
    return line.startswith(("  ", "sudo ", "hosttune "))


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with all its cells: heads are (name, whether it stands to the right)."""

    heads: tuple[tuple[str, bool], ...]
    rows: tuple[Row, ...]


def runs(blocks: Iterable[Block]) -> Iterator[tuple[type[Block], Any]]:
    """Yield each block with its kind; paragraphs that follow each other come as one list."""
    for kind, group in itertools.groupby(blocks, type):
        if kind is Paragraph:
            kept = [block for block in group if isinstance(block, Paragraph) and not block.brief]
            yield from [(kind, kept)] if kept else []
        else:
            yield from ((kind, block) for block in group if not getattr(block, "brief", False))


def grid(table: Table) -> Grid:
    """Return a table whose notes are a column, where it has any; columns that are empty throughout are left out."""
    heads = [(column.name, column.right) for column in table.columns]
    rows = [(*row.cells, "; ".join(row.notes)) for row in table.rows]
    heads.append((table.notes, False))
    kept = [n for n in range(len(heads)) if any(cells[n] for cells in rows) or n == 0]
    return Grid(
        tuple(heads[n] for n in kept),
        tuple(Row(tuple(cells[n] for n in kept), (), row.role) for cells, row in zip(rows, table.rows, strict=True)),
    )


_STATES = {Role.BAD: "short", Role.GOOD: "enough"}


def of_bars(bars: Bars) -> Table:
    """Return bars as a table: the number, what it means for the target, a column for each kind of note."""
    labels = list(dict.fromkeys(note.label for bar in bars.bars for note in bar.notes))
    columns = [Column(bars.names), Column("connections", right=True), Column("of the target", right=True), Column("")]
    columns += (Column(label, right=label in ("slow above", "used now")) for label in labels)
    rows = []
    for bar in bars.bars:
        share = f"{bar.number * 100 // bars.target:,} %" if bars.target else ""
        notes = ("; ".join(note.text for note in bar.notes if note.label == label) for label in labels)
        state = bar.word or _STATES.get(bar.role, "")
        rows.append(Row((bar.name, bar.figure, share, state, *notes), role=bar.role))
    return Table(tuple(columns), tuple(rows), f"{bars.title}; target {bars.target:,}")


def of_gauges(block: Gauges) -> Table:
    """Return gauges as a table: what is used of each, and what that means."""
    columns = [Column(block.title), Column("used", right=True), Column("of", right=True), Column("%", right=True)]
    columns += [Column("slow above", right=True), Column("")]
    rows = []
    for gauge in block.gauges:
        share = f"{gauge.load * 100 // gauge.limit:,}" if gauge.limit > 0 else ""
        knee = "" if gauge.knee is None else amount(gauge.knee, block.unit)
        figures = (amount(gauge.load, block.unit), amount(gauge.limit, block.unit), share, knee)
        rows.append(Row((gauge.name, *figures, gauge.word), role=gauge.role))
    return Table(tuple(columns), tuple(rows))


def of_plot(plot: Plot) -> Table:
    """Return curves as the table of a few moments."""
    return plot.table
