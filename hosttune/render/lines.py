"""A document as lines of letters that are all of one width: two blanks before each, tables in columns.

rich is not used: importing it takes longer than all of this, what it would lay out are three kinds of lines, and its
tables break a value where these break between values.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
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
    Lines,
    Listing,
    Mark,
    Pairs,
    Paragraph,
    Pasted,
    Plot,
    Role,
    Row,
    Table,
)
from hosttune.render import spans
from hosttune.render.figures import bar, cut, fold
from hosttune.render.page import Page
from hosttune.render.spans import Line

_FAR = 10**10
"""A number that its column does not hold."""

_NARROW = 24
"""Letters below which a text does not stand beside its name."""


def walk(document: Document, page: Page) -> Iterator[Line]:
    """Yield the lines; none is longer than the page is wide, but for commands that are pasted whole."""
    yield from _plain(fold(" · ".join(document.about), page.columns, "  "))
    for block in document.blocks:
        yield from of_block(block, page)


def of_block(block: Block, page: Page) -> Iterable[Line]:
    """Return the lines of a block; none where there is no room for it."""
    return () if getattr(block, "extra", False) else _BLOCKS[type(block)](block, page)


def _plain(texts: Iterable[str]) -> Iterator[Line]:
    yield from spans.of(texts)


def _gap() -> Line:
    return Line(())


def _headed(texts: Iterable[str], role: Role, text: str, count: int, marks: Sequence[Mark] = ()) -> Iterator[Line]:
    """Yield the lines of a text whose first letters have a role, and its marked words theirs."""
    head = [spans.span(text, 0, count, role)] if role is not Role.PLAIN else []
    yield from spans.of(texts, [*head, *spans.marked(text, marks)])


def _sentence(text: str, page: Page, indent: int = 2, hang: int = 2, marks: Sequence[Mark] = ()) -> Iterator[Line]:
    yield from spans.of(_folded(text, page, indent, hang), spans.marked(text, marks))


def _folded(text: str, page: Page, indent: int = 2, hang: int = 2) -> list[str]:
    return fold(f"{' ' * indent}{text}", page.columns, " " * (indent + hang))


def _callout(block: Callout, page: Page) -> Iterator[Line]:
    yield _gap()
    head = len(block.text.partition(":")[0])
    role = Role.HEADING if block.role is Role.PLAIN else block.role
    yield from _headed(_folded(block.text, page), role, block.text, head, block.marks)
    for why in block.why:
        yield from _sentence(why, page, marks=block.marks)


def _paragraph(block: Paragraph, page: Page) -> Iterator[Line]:
    if block.gap:
        yield _gap()
    text = f"{block.label}: {block.text}" if block.label else block.text
    head = len(block.label) or _capitals(block.text)
    yield from _headed(_folded(text, page, 2 + 2 * block.depth), block.role, text, head, block.marks)


def _capitals(text: str) -> int:
    """Return how many letters of a text its first words in capitals have."""
    words = itertools.takewhile(str.isupper, text.split(" "))
    return len(" ".join(words))


def _commands(block: Commands, page: Page) -> Iterator[Line]:
    if block.gap:
        yield _gap()
    indent = "    "
    if block.spread:
        yield from _sentence(f"{block.what}:", page)
    for number, line in enumerate(block.lines):
        first = f"  {block.what}: " if not number and not block.spread else indent
        text = line.lstrip()
        if line.startswith("  ") and (number or block.spread):
            yield from _headed([f"{indent}{line[2:]}"], Role.COMMAND, line, len(line))
        elif spans.is_command(text):
            texts = spans.broken(text, page.columns, first, indent)
            whole = f"{first}{text}"
            # each backslash is a letter of its own
            styled = spans.span(whole, len(first), len(whole), Role.COMMAND)
            yield from spans.of(texts, [styled._replace(end=styled.end + len(texts) - 1)])
        else:
            whole = f"{first}{text}"
            yield from spans.of(fold(whole, page.columns, indent), spans.marked(whole))


def _lines(block: Lines, page: Page) -> Iterator[Line]:
    if block.gap:
        yield _gap()
    for number, line in enumerate(block.lines):
        if block.diff:
            role = Role.HEADING if not number else {"+": Role.ADDED, "-": Role.REMOVED}.get(line[2:3], Role.PLAIN)
            yield from _headed([f"  {line}"], role, line, len(line))
            continue
        _, colon, rest = line.partition(": ")
        command = rest if colon and spans.is_command(rest) else line.strip() if spans.is_command(line.strip()) else ""
        yield from spans.of([f"  {line}"], spans.marked(line, (*block.marks, Mark(command, Role.COMMAND))))


def _listing(block: Listing, page: Page) -> Iterator[Line]:
    yield _gap()
    if block.joined:
        text = f"{block.title}: {' · '.join(block.items)}"
        yield from _headed(_folded(text, page), Role.HEADING, text, len(block.title))
        return
    yield from _headed(_folded(f"{block.title}:", page), Role.HEADING, block.title, len(block.title))
    for item in block.items:
        yield from _sentence(item, page, 4)


def _pairs(block: Pairs, page: Page) -> Iterator[Line]:
    if block.gap:
        yield _gap()
    if block.title:
        role = Role.HEADING if block.role is Role.PLAIN else block.role
        yield from _headed(_folded(block.title, page), role, block.title, len(block.title))
    size = max(7, *(len(name) for name, _ in block.rows), 0) + 2
    beside = page.columns - size - 4 >= _NARROW
    before = ""
    for name, text in block.rows:
        head = f"    {'' if name == before else name:<{size}}" if beside else " " * 6
        if not beside and name != before:
            yield from _plain([f"    {name}"])
        before = name
        if isinstance(text, Pasted):
            for line in text.lines:
                yield from _headed([f"{' ' * len(head)}  {line}"], Role.COMMAND, line, len(line))
            continue
        made = fold(text, page.columns - len(head), "  ")
        whole = f"{head}{text}"
        texts = (f"{head if not number else ' ' * len(head)}{line}" for number, line in enumerate(made))
        yield from spans.of(texts, spans.marked(whole, block.marks))


def _bars(block: Bars, page: Page) -> Iterator[Line]:
    cells = max(10, page.columns // 4)
    room = page.columns - cells - 24
    # where there is no room for names, each stands above its bar
    label = min(block.label, room) if room >= _NARROW // 2 else 0

    def row(entry: Bar) -> Iterator[Line]:
        role = Role.PLAIN if entry.role is Role.GOOD else entry.role
        drawn = bar(entry.number, block.most, cells, page.unicode)
        figure = f"{entry.figure:>13}" if entry.number < _FAR else f"{'far beyond':>13}"
        if label:
            text = f"  {cut(entry.name, label, page.unicode):<{label}} {drawn:<{cells}} {figure} {entry.word}"
        else:
            yield from _plain(_folded(entry.name, page))
            text = f"    {drawn:<{cells}} {figure} {entry.word}"
        yield from spans.of([text], spans.marked(text, [Mark(entry.word, role)]))

    yield _gap()
    yield from row(Bar("target", block.target))
    shown: set[str] = set()
    for entry in block.bars:
        if entry.extra:
            continue
        yield from row(entry)
        for note in entry.shown:
            text = f"{note.label}: {note.text}" if note.label else note.text
            # what raises one, or what slowness costs, is often the same for the next: once is enough
            if text not in shown:
                yield from _sentence(text, page, 4)
            if len(text) > _REPEATED:
                shown.add(text)
    if block.more:
        yield from _plain(_folded(block.more, page))


_REPEATED = 24
"""Letters of a note that is not said twice."""


def _flow(block: Flow, page: Page) -> Iterator[Line]:
    yield _gap()
    for text in block.lines:
        yield from _sentence(text, page)


def _plot(block: Plot, page: Page) -> Iterator[Line]:
    yield _gap()
    yield from _plain(_folded(block.title, page))
    yield from _table(block.table, page)


def _table(block: Table, page: Page) -> Iterator[Line]:
    if block.gap:
        yield _gap()
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
    yield from _headed(lines, row.role, row.cells[0], len(row.cells[0]), ())
    for note in notes:
        text = " " * 12 + note
        yield from spans.of(fold(text, page.columns, " " * 14), spans.marked(text, row.marks))


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

    if any(c.name for c in block.columns):
        head = cut(line(c.name for c in block.columns), page.columns, page.unicode)
        yield from _headed([head], Role.HEADING, head, len(head))
    for row in rows:
        text = cut(line(row.cells), page.columns, page.unicode)
        yield from _headed([text], row.role, text, 0 if row.role is Role.GOOD else len(text), row.marks)
        for note in row.notes:
            yield from _sentence(note, page, 4, marks=row.marks)


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
    Lines: _lines,
    Listing: _listing,
    Pairs: _pairs,
    Paragraph: _paragraph,
    Plot: _plot,
    Table: _table,
}
