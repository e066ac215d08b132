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
    Commands,
    Document,
    Fact,
    Flow,
    Lines,
    Listing,
    Pairs,
    Paragraph,
    Pasted,
    Plot,
    Role,
    Table,
)
from hosttune.printable import clean
from hosttune.render import grid
from hosttune.render.figures import bar, cut, fold, pasted, place, short
from hosttune.render.grid import Line
from hosttune.render.page import Page

_FAR = 10**10
"""A number that its column does not hold."""


def walk(document: Document, page: Page) -> Iterator[Line]:
    """Yield the lines; none is longer than the page is wide, but for commands that are pasted whole."""
    yield from _plain(fold(" · ".join(document.about), page.columns, "  "))
    blocks = list(document.blocks)
    while blocks:
        block = blocks.pop(0)
        if isinstance(block, Paragraph) and block.joined and blocks and (line := _on_one_line(block, blocks[0], page)):
            yield from _plain([line])
            blocks.pop(0)
            continue
        yield from of_block(block, page)


def _on_one_line(block: Paragraph, following: Block, page: Page) -> str:
    """Return a paragraph and the command after it as one line, "" where that is too long or no command comes."""
    if not isinstance(following, Commands) or len(following.lines) != 1:
        return ""
    line = f"  {block.text}    {following.what}: {following.lines[0]}"
    return line if len(line) <= page.columns else ""


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
    yield from _facts(block.facts, page)


def _facts(facts: tuple[Fact, ...], page: Page) -> Iterator[Line]:
    """Yield facts, their texts below each other; a command is broken where a shell takes it as one line."""
    size = max((len(fact.label) for fact in facts), default=0) + 2
    before = ""
    for fact in facts:
        head = f"  {'' if fact.label == before else fact.label:<{size}}"
        before = fact.label
        if fact.command:
            texts = pasted(clean(fact.text), page.columns, len(head))
        else:
            texts = fold(fact.text, page.columns - len(head), "")
        for number, text in enumerate(texts):
            yield f"{' ' * len(head) if number else head}{text}", Role.PLAIN, 0


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
        head = f"  {'' if name == before else name:<{size}}"
        before = name
        if isinstance(text, Pasted):
            room = page.columns - len(head)
            texts = [part for line in text.lines for part in (pasted(line, room, 0) if _runs(line) else [line])]
            yield from _plain(f"{' ' * len(head)}{line}" for line in texts)
            continue
        lines = fold(text, page.columns - len(head), "  ")
        yield from _plain(f"{head if not number else ' ' * len(head)}{line}" for number, line in enumerate(lines))


def _runs(line: str) -> bool:
    """Say whether a line is a command of ours: a shell takes it as one where it is broken, and a file does not."""
    return any(word.rpartition("/")[2] == "hosttune" for word in line.split()[:4])


def _bars(block: Bars, page: Page) -> Iterator[Line]:
    cells = max(10, page.columns // 4)
    visible = [entry for entry in block.bars if not entry.extra]
    longest = max([len(_SCALE), *(len(entry.name) for entry in visible)])
    label = min(block.label, page.columns - cells - 24, longest)
    most, least = max(block.most, 10), _least([block.target, *(entry.number for entry in visible)], block.most)

    def row(entry: Bar) -> str:
        drawn = bar(entry.number, most, cells, page.unicode, least)
        figure = f"{entry.figure:>13}" if entry.number < _FAR else f"{'far beyond':>13}"
        line = f"  {cut(entry.name, label, page.unicode):<{label}} {drawn:<{cells}} {figure}"
        used = f"{entry.used:,} in use" if entry.used else ""
        words = ", ".join(filter(None, (entry.word, used)))
        return f"{line}  {words}" if words and len(line) + len(words) + 2 <= page.columns else line

    yield "", Role.PLAIN, 0
    if block.scale:
        yield f"  {_SCALE:<{label}} {_ticks(least, most, cells)}", Role.PLAIN, 0
    yield row(Bar("target", block.target)), Role.PLAIN, 0
    shown: set[str] = set()
    for entry in visible:
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


_SCALE = "limits (log scale)"


def _least(numbers: list[int], most: int) -> int:
    """Return the power of ten at which bars begin: below the smallest, and two decades before the end at the latest."""
    lowest = max(1, min([*numbers, max(most, 100) // 100]))
    return int(10 ** (len(str(lowest)) - 1))


def _ticks(least: int, most: int, cells: int) -> str:
    """Return the powers of ten where they lie on the scale; those without room are left out."""
    line, power = "", least
    while power <= most:
        at = round(place(power, least, most) * cells)
        word = short(power)
        at = min(at, cells - len(word) + 1) if power == most else at
        if at >= len(line) + bool(line):
            line = f"{line:<{at}}{word}"
        power *= 10
    return line


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
    yield from grid.rows(block, page)


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
