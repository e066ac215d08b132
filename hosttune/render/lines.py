"""A document as lines of letters that are all of one width: two blanks before each, tables in columns.

rich is not used: importing it takes longer than all of this, what it would lay out are three kinds of lines, and its
tables break a value where these break between values.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from hosttune.model.document import (
    Block,
    Callout,
    Commands,
    Document,
    Fact,
    Lines,
    Listing,
    Pairs,
    Paragraph,
    Pasted,
    Plot,
    Table,
)
from hosttune.model.drawings import Bar, Bars, Flow, Gauges
from hosttune.model.roles import Mark, Role
from hosttune.printable import clean
from hosttune.render import grid, scale, spans, tabular
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
    blocks = list(document.blocks)
    while blocks:
        block = blocks.pop(0)
        if isinstance(block, Paragraph) and block.joined and blocks and (line := _on_one_line(block, blocks[0], page)):
            yield line
            blocks.pop(0)
            continue
        yield from of_block(block, page)


def _on_one_line(block: Paragraph, following: Block, page: Page) -> Line | None:
    """Return a paragraph and the command after it as one line, None where that is too long or no command comes."""
    if not isinstance(following, Commands) or len(following.lines) != 1:
        return None
    command = following.lines[0].strip()
    text = f"  {block.text}    {following.what}: {command}"
    if len(text) > page.columns:
        return None
    return next(spans.of([text], spans.marked(text, [Mark(command, Role.COMMAND)])))


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
    yield from _headed(_folded(block.text, page), role, block.text, head)
    for why in block.why:
        yield from _sentence(why, page)
    yield from _facts(block.facts, page)


def _facts(facts: Sequence[Fact], page: Page) -> Iterator[Line]:
    """Yield facts, their texts below each other; a command is broken where a shell takes it as one line."""
    size = max((len(fact.label) for fact in facts), default=0) + 2
    before = ""
    for fact in facts:
        head = f"  {'' if fact.label == before else fact.label:<{size}}"
        before = fact.label
        if fact.command:
            yield from _pasted(clean(fact.text), page, head, Role.HEADING)
        else:
            whole = f"{head}{fact.text}"
            texts = fold(whole, page.columns, " " * len(head))
            yield from spans.of(texts, spans.marked(whole, [Mark(fact.label, Role.HEADING)] if head.strip() else ()))


def _pasted(command: str, page: Page, head: str, role: Role = Role.PLAIN, rest: str = "") -> Iterator[Line]:
    """Yield a command beside its label, broken by backslashes where it is too long."""
    texts = spans.broken(command, page.columns, head, rest or " " * (len(head) + 2))
    whole = f"{head}{command}"
    label = [spans.span(whole, 0, len(head), role)] if head.strip() else []
    # each backslash is a letter of its own
    styled = spans.span(whole, len(head), len(whole), Role.COMMAND)
    yield from spans.of(texts, [*label, styled._replace(end=styled.end + len(texts) - 1)])


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
            if spans.is_command(text):
                yield from _pasted(text, page, indent)
            else:  # of a file: it stays as it is
                yield from _headed([f"{indent}{line[2:]}"], Role.COMMAND, line, len(line))
        elif line.startswith("  ") or spans.is_command(text):
            yield from _pasted(text, page, first, rest=indent)
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
        yield from spans.of([f"  {line}"], spans.marked(line, [Mark(command, Role.COMMAND)]))


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
        head = f"  {'' if name == before else name:<{size}}" if beside else " " * 4
        if not beside and name != before:
            yield from _plain([f"  {name}"])
        before = name
        if isinstance(text, Pasted):
            for line in text.lines:
                if spans.is_command(line):
                    yield from _pasted(line, page, " " * len(head))
                else:  # of a file: it stays as it is
                    yield from _headed([f"{' ' * len(head)}{line}"], Role.COMMAND, line, len(line))
            continue
        whole = f"{head}{text}"
        texts = fold(whole, page.columns, " " * (len(head) + 2))
        yield from spans.of(texts, spans.marked(whole, block.marks))


def _bars(block: Bars, page: Page) -> Iterator[Line]:
    cells = max(10, page.columns // 4)
    visible = [entry for entry in block.bars if not entry.extra]
    room = page.columns - cells - 24
    longest = max([len(_SCALE), *(len(entry.name) for entry in visible)])
    # where there is no room for names, each stands above its bar
    label = min(block.label, room, longest) if room >= _NARROW // 2 else 0
    most, least = max(block.most, 10), _least([block.target, *(entry.number for entry in visible)], block.most)

    def row(entry: Bar) -> Iterator[Line]:
        role = Role.PLAIN if entry.role is Role.GOOD else entry.role
        drawn = bar(entry.number, most, cells, page.unicode, least)
        figure = f"{entry.figure:>13}" if entry.number < _FAR else f"{'far beyond':>13}"
        if label:
            text = f"  {cut(entry.name, label, page.unicode):<{label}} {drawn:<{cells}} {figure}"
        else:
            yield from _plain(_folded(entry.name, page))
            text = f"    {drawn:<{cells}} {figure}"
        used = f"{entry.used:,} in use" if entry.used else ""
        words = ", ".join(filter(None, (entry.word, used)))
        text = f"{text}  {words}" if words and len(text) + len(words) + 2 <= page.columns else text
        yield from spans.of([text], spans.marked(text, [Mark(entry.word, role)]))

    yield _gap()
    if label:
        head = f"  {_SCALE:<{label}} {_ticks(least, most, cells)}"
        yield from _headed([head], Role.HEADING, head, len(head))
    yield from row(Bar("target", block.target))
    shown: set[str] = set()
    for entry in visible:
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


_SCALE = "limits (log scale)"


def _least(numbers: list[int], most: int) -> int:
    """Return the power of ten at which bars begin: below the smallest, and two decades before the end at the latest."""
    lowest = max(1, min([*numbers, max(most, 100) // 100]))
    return int(10 ** (len(str(lowest)) - 1))


def _ticks(least: int, most: int, cells: int) -> str:
    """Return the powers of ten where they lie on the scale; those without room are left out."""
    line = ""
    for power in range(len(str(least)) - 1, len(str(most))):
        at = round(scale.place(10**power, least, most) * cells)
        word = scale.label(power)
        at = min(at, cells - len(word) + 1) if 10**power == most else at
        if at >= len(line) + bool(line):
            line = f"{line:<{at}}{word}"
    return line


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
    yield from grid.rows(block, page)


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
