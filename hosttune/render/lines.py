"""A document as lines of letters that are all of one width: two blanks before each, tables in columns.

rich is not used: importing it takes longer than all of this, what it would lay out are three kinds of lines, and its
tables break a value where these break between values.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hosttune.model.document import (
    Bar,
    Bars,
    Block,
    Callout,
    Column,
    Commands,
    Document,
    Flow,
    Gauges,
    Lines,
    Listing,
    Pairs,
    Paragraph,
    Pasted,
    Plot,
    Role,
    Row,
    Table,
)
from hosttune.render import tabular
from hosttune.render.figures import bar, cut, fold
from hosttune.render.page import Page

_FAR = 10**10
"""A number that its column does not hold."""

Line = tuple[str, Role, int]
"""A line, and the role of so many of its letters, counted after the blanks it begins with."""


def walk(document: Document, page: Page) -> Iterator[Line]:
    """Yield the lines; none is longer than the page is wide, but for commands that are pasted whole."""
    yield from _plain(fold(" · ".join(document.about), page.columns, "  "))
    for block in document.blocks:
        yield from of_block(block, page)


def parts(line: Line) -> tuple[str, str, str]:
    """Return a line before the letters that its role is of, these, and what comes after them."""
    text, _, count = line[0].rstrip(), *line[1:]
    start = len(text) - len(text.lstrip())
    return text[:start], text[start : start + count], text[start + count :]


def of_block(block: Block, page: Page) -> Iterable[Line]:
    """Return the lines of a block; none where there is no room for it."""
    made = () if getattr(block, "extra", False) else _BLOCKS[type(block)](block, page)
    # blanks at which no line is broken have done their work
    return ((text.replace("\u00a0", " "), role, count) for text, role, count in made)


def _plain(texts: Iterable[str]) -> Iterator[Line]:
    yield from ((text, Role.PLAIN, 0) for text in texts)


def _folded(text: str, page: Page, indent: int = 2, hang: int = 2) -> list[str]:
    return fold(f"{' ' * indent}{text}", page.columns, " " * (indent + hang))


def _callout(block: Callout, page: Page) -> Iterator[Line]:
    yield "", Role.PLAIN, 0
    for number, text in enumerate(_folded(block.text, page)):
        head = len(block.text.partition(":")[0])
        yield text, block.role, 0 if number else head
    for why in block.why:
        yield from _plain(_folded(why, page))


def _paragraph(block: Paragraph, page: Page) -> Iterator[Line]:
    if block.gap:
        yield "", Role.PLAIN, 0
    label = f"{block.label}: " if block.label else ""
    for number, text in enumerate(_folded(f"{label}{block.text}", page, 2 + 2 * block.depth)):
        yield text, block.role, 0 if number else len(block.label) or _capitals(block.text)


def _capitals(text: str) -> int:
    """Return how many letters of a text its first words in capitals have."""
    words = itertools.takewhile(str.isupper, text.split(" "))
    return len(" ".join(words))


def _commands(block: Commands, page: Page) -> Iterator[Line]:
    if block.gap:
        yield "", Role.PLAIN, 0
    lines, indent = block.lines, "    "
    if block.spread:
        yield from _plain(_folded(f"{block.what}:", page))
        first = ""
    else:
        first = f"{block.what}: "
    for number, line in enumerate(lines):
        if line.startswith("  ") and (number or block.spread):
            yield f"{indent}{line[2:]}", Role.PLAIN, 0
        elif number or block.spread:
            yield from _plain(fold(f"{indent}{line}", page.columns, indent))
        else:
            yield from _plain(fold(f"  {first}{line.lstrip()}", page.columns, indent))


def _lines(block: Lines, page: Page) -> Iterator[Line]:
    if block.gap:
        yield "", Role.PLAIN, 0
    yield from _plain(f"  {line}" for line in block.lines)


def _listing(block: Listing, page: Page) -> Iterator[Line]:
    yield "", Role.PLAIN, 0
    if block.joined:
        yield from _plain(_folded(f"{block.title}: {' · '.join(block.items)}", page))
        return
    yield f"  {block.title}:", Role.PLAIN, 0
    for item in block.items:
        yield from _plain(_folded(item, page, 4))


def _pairs(block: Pairs, page: Page) -> Iterator[Line]:
    if block.gap:
        yield "", Role.PLAIN, 0
    if block.title:
        yield from ((text, block.role, len(block.title)) for text in _folded(block.title, page))
    size = max(7, *(len(name) for name, _ in block.rows), 0) + 2
    before = ""
    for name, text in block.rows:
        head = f"    {'' if name == before else name:<{size}}"
        before = name
        if isinstance(text, Pasted):
            yield from _plain(f"{' ' * len(head)}  {line}" for line in text.lines)
            continue
        lines = fold(text, page.columns - len(head), "  ")
        yield from _plain(f"{head if not number else ' ' * len(head)}{line}" for number, line in enumerate(lines))


def _bars(block: Bars, page: Page) -> Iterator[Line]:
    cells = max(10, page.columns // 4)
    label = min(block.label, page.columns - cells - 24)

    def row(entry: Bar) -> str:
        drawn = bar(entry.number, block.most, cells, page.unicode)
        figure = f"{entry.figure:>13}" if entry.number < _FAR else f"{'far beyond':>13}"
        return f"  {cut(entry.name, label, page.unicode):<{label}} {drawn:<{cells}} {figure} {entry.word}"

    yield "", Role.PLAIN, 0
    yield row(Bar("target", block.target)), Role.PLAIN, 0
    shown: set[str] = set()
    for entry in block.bars:
        if entry.extra:
            continue
        yield row(entry), Role.PLAIN, 0
        for note in entry.shown:
            text = f"{note.label}: {note.text}" if note.label else note.text
            # what raises one, or what slowness costs, is often the same for the next: once is enough
            if text not in shown:
                yield from _plain(_folded(text, page, 4))
            if len(text) > _REPEATED:
                shown.add(text)
    if block.more:
        yield f"  {block.more}", Role.PLAIN, 0


_REPEATED = 24
"""Letters of a note that is not said twice."""


def _flow(block: Flow, page: Page) -> Iterator[Line]:
    yield "", Role.PLAIN, 0
    for text in block.lines:
        yield from _plain(_folded(text, page))


def _plot(block: Plot, page: Page) -> Iterator[Line]:
    yield "", Role.PLAIN, 0
    yield from _plain(_folded(block.title, page))
    yield from _table(block.table, page)


def _table(block: Table, page: Page) -> Iterator[Line]:
    if block.gap:
        yield "", Role.PLAIN, 0
    if block.heads:
        yield from _grid(block, page)
        return
    for row in block.rows:
        if not row.extra:
            yield from _record(block.columns, row, page)


def _record(columns: tuple[Column, ...], row: Row, page: Page) -> Iterator[Line]:
    """Yield a row in one line, the values that have labels beside these; in two where one does not hold it."""
    pairs = [(c, cell) for c, cell in zip(columns, row.cells, strict=True) if not c.extra]
    heads = [(c, cell) for c, cell in pairs if not c.label]
    values: list[str] = []
    before = ""
    for column, cell in pairs:
        if column.label and cell not in ("", "?" if values else "", before):
            values.append(f"{column.label} {cell}")
            before = cell
    *first, (last, name) = heads
    mark = "".join(f"{cell:<{column.least}} " for column, cell in first)
    notes = list(row.notes)
    room = last.least
    line = f"  {mark}{name:<{room}} {'  '.join(values)}"
    if not values:
        sentence = f"{mark}{name}" + (f": {notes.pop(0)}" if notes else "")
        lines = fold(f"  {sentence}", page.columns, " " * 12)
    elif len(line.rstrip()) <= page.columns:
        lines = [line]
    else:
        lines = fold(f"  {mark}{name}", page.columns, " " * 10)
        lines += fold(" " * 12 + "  ".join(values), page.columns, " " * 12)
    yield from ((text, row.role, 0 if number else len(row.cells[0])) for number, text in enumerate(lines))
    for note in notes:
        yield from _plain(fold(" " * 12 + note, page.columns, " " * 14))


def _grid(block: Table, page: Page) -> Iterator[Line]:
    """Yield the rows below their heads; what is too long is cut where a column gives way."""
    columns = [(n, c) for n, c in enumerate(block.columns) if not c.extra and c.wide <= page.columns]
    rows = [row for row in block.rows if not row.extra]
    sizes = {}
    for n, column in columns:
        longest = max([len(column.name), *(len(row.cells[n]) for row in rows)])
        sizes[n] = max(min(longest, column.most), column.least)
    over = 2 + sum(sizes.values()) + 2 * (len(sizes) - 1) - page.columns
    for n, column in columns:
        if over > 0 and column.cut:
            less = min(over, max(sizes[n] - max(column.least, 12), 0))
            sizes[n] -= less
            over -= less

    def line(cells: Iterable[str]) -> str:
        texts = list(cells)
        made = (_cell(texts[n], sizes[n], column, page) for n, column in columns)
        return f"  {'  '.join(made)}".rstrip()

    lines = [(line(c.name for c in block.columns), Role.PLAIN, 0)] if any(c.name for c in block.columns) else []
    for row in rows:
        lines.append((line(row.cells), row.role, 0 if row.role is Role.GOOD else page.columns))
        lines += [(text, Role.PLAIN, 0) for note in row.notes for text in _folded(note, page, 4)]
    for text, role, count in lines:
        yield cut(text, page.columns, page.unicode), role, count


def _cell(text: str, size: int, column: Column, page: Page) -> str:
    if len(text) > size:
        tailed = f"{text[: size - size // 2 - 2]}..{text[-(size // 2) :]}"
        text = tailed if column.tail else cut(text, size, page.unicode)
    return f"{text:>{size}}" if column.right else f"{text:<{size}}"


_BLOCKS: dict[type[Block], Callable[[Any, Page], Iterable[Line]]] = {
    Bars: _bars,
    Callout: _callout,
    Commands: _commands,
    Flow: _flow,
    Gauges: lambda block, page: _table(tabular.of_gauges(block), page),
    Lines: _lines,
    Listing: _listing,
    Pairs: _pairs,
    Paragraph: _paragraph,
    Plot: _plot,
    Table: _table,
}
