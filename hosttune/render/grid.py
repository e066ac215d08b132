"""A table as lines of letters that are all of one width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hosttune.model.document import Column, Row, Table
from hosttune.model.roles import Role
from hosttune.render import spans
from hosttune.render.figures import cut, fold
from hosttune.render.page import Page
from hosttune.render.spans import Line

_LEAST = 12
"""Letters that a column keeps where the page is narrow."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """The columns that are shown, each with its place in a row and its width."""

    columns: tuple[tuple[int, Column, int], ...]
    page: Page

    def line(self, texts: Iterable[str]) -> str:
        """Return a row in its columns."""
        cells = list(texts)
        made = (_cell(cells[n], size, column, self.page) for n, column, size in self.columns)
        return f"  {'  '.join(made)}".rstrip()


def rows(block: Table, page: Page) -> Iterator[Line]:
    """Yield the rows below their heads, if it has any; what is too long is cut where a column gives way.

    A row with a value that its column has no room for has its values in a line below it.
    """
    shown = [row for row in block.rows if not row.extra]
    layout = _layout(block, shown, page)
    if block.heads and any(c.name for c in block.columns):
        head = cut(layout.line(c.name for c in block.columns), page.columns, page.unicode)
        yield from spans.of([head], [spans.span(head, 0, len(head), Role.HEADING)])
    valued = any(column.label for _, column, _ in layout.columns)
    for row in shown:
        if _too_long(block, row):
            yield from _apart(layout, row, page)
        else:
            # where values are compared the word that judges them is what stands out, else the row
            marked = len(row.cells[0]) if valued else 0 if row.role is Role.GOOD else page.columns
            line = cut(layout.line(row.cells), page.columns, page.unicode)
            yield from spans.of([line], [spans.span(line, 0, 2 + marked, row.role)])
        indent = 4 + layout.columns[0][2] if valued else 4
        for note in row.notes:
            text = " " * indent + note
            yield from spans.of(fold(text, page.columns, " " * (indent + 2)), spans.marked(text))


def _layout(block: Table, shown: list[Row], page: Page) -> _Layout:
    columns = [(n, c) for n, c in enumerate(block.columns) if not c.extra and c.wide <= page.columns]
    sizes = {}
    for n, column in columns:
        fitting = [row for row in shown if not (column.label and _too_long(block, row))]
        longest = max([len(column.name), *(len(row.cells[n]) for row in fitting)])
        sizes[n] = max(min(longest, column.most), column.least)
    over = 2 + sum(sizes.values()) + 2 * (len(sizes) - 1) - page.columns
    for n, column in columns:
        if over > 0 and column.cut:
            less = min(over, max(sizes[n] - max(column.least, _LEAST), 0))
            sizes[n] -= less
            over -= less
    return _Layout(tuple((n, column, sizes[n]) for n, column in columns), page)


def _too_long(block: Table, row: Row) -> bool:
    return any(c.label and len(text) > c.most for c, text in zip(block.columns, row.cells, strict=True) if not c.extra)


def _apart(layout: _Layout, row: Row, page: Page) -> Iterator[Line]:
    """Yield a row whose values stand below its name, each beside its label."""
    first, *others = [row.cells[n] for n, column, _ in layout.columns if not column.label] or [""]
    indent = " " * (4 + layout.columns[0][2])
    values = [f"{column.label} {row.cells[n]}" for n, column, _ in layout.columns if column.label and row.cells[n]]
    head = cut(f"  {first:<{layout.columns[0][2]}}  {'  '.join(others)}", page.columns, page.unicode)
    yield from spans.of([head], [spans.span(head, 0, 2 + len(first), row.role)])
    # a value and its label stay on one line
    whole = max(map(len, values), default=0) + len(indent) <= page.columns
    text = indent + "   ".join(value.replace(" ", "\u00a0") if whole else value for value in values)
    yield from spans.of(fold(text, page.columns, indent))


def _cell(text: str, size: int, column: Column, page: Page) -> str:
    if len(text) > size:
        tailed = f"{text[: size - size // 2 - 2]}..{text[-(size // 2) :]}"
        text = tailed if column.tail else cut(text, size, page.unicode)
    return f"{text:>{size}}" if column.right else f"{text:<{size}}"
