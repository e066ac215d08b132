"""Markdown, for a ticket: the answer in bold, tables, commands as code."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hosttune.model.document import (
    Block,
    Callout,
    Commands,
    Document,
    Lines,
    Listing,
    Pairs,
    Paragraph,
    Pasted,
    Plot,
    Table,
)
from hosttune.model.drawings import Bars, Flow, Gauges
from hosttune.printable import clean
from hosttune.render import tabular
from hosttune.render.page import PLAIN, Page

_BEGINS = re.compile(r"^()([-+>=])|^([0-9]{1,9})([.)])(?=\s|$)")
"""What a list, a quotation or a rule begins with: a mark, or a number and a mark."""


def write(document: Document, page: Page = PLAIN) -> str:
    """Return the document; the page changes nothing."""
    lines = [f"# {text(document.title)}", ""]
    lines += [text(" · ".join(document.about)), ""] if document.about else []
    for kind, block in tabular.runs(document.blocks):
        lines += [*_BLOCKS[kind](block), ""]
    return "\n".join(lines).rstrip() + "\n"


def text(text: str) -> str:
    """Return untrusted text as a line of Markdown can hold it: no markup, no link, no list, no quotation."""
    return _BEGINS.sub(r"\1\3\\\2\4", _plain(text))


def _plain(text: str) -> str:
    """Return untrusted text as a cell of a table can hold it, where nothing but a cell can begin."""
    text = clean(text).strip().replace("&", "&amp;").replace("<", "&lt;")
    for mark in "\\|`*_[]#~":
        text = text.replace(mark, f"\\{mark}")
    return text


def code(text: str) -> str:
    """Return a command as code; a backtick in it would end that early, so the fence is longer than any run of them."""
    fence = "`"
    while fence in text:
        fence += "`"
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _callout(block: Callout) -> Iterator[str]:
    yield f"**{text(block.text)}**"
    if block.sentences:
        yield from ("", *(f"- {text(sentence)}" for sentence in block.sentences))


def _paragraphs(blocks: Iterable[Paragraph]) -> Iterator[str]:
    first = True
    for block in blocks:
        if block.gap and not first:
            yield ""
        sentence = f"{block.label}: {block.text}" if block.label else block.text
        yield f"{'  ' * block.depth}- {text(sentence)}"
        first = False


def _commands(block: Commands) -> Iterator[str]:
    first, *more = block.lines
    if not more:
        yield f"- {text(block.what)}: {_command(first)}"
        return
    yield f"- {text(block.what)}:"
    yield from (f"  - {_command(line)}" for line in block.lines)


def _command(line: str) -> str:
    return code(line.strip()) if tabular.pasted(line) else text(line)


def _lines(block: Lines) -> Iterator[str]:
    fence = "```"
    while any(fence in line for line in block.lines):
        fence += "`"
    yield from (fence, *(line.rstrip() for line in block.lines), fence)


def _listing(block: Listing) -> Iterator[str]:
    yield from (f"## {text(block.title.capitalize())}", "", *(f"- {text(item)}" for item in block.items))


def _pairs(block: Pairs) -> Iterator[str]:
    yield from ([f"**{text(block.title)}**", ""] if block.title else [])
    for name, stated in block.rows:
        if isinstance(stated, Pasted):
            yield from (f"  {line}" for line in _lines(Lines(stated.lines)))
        else:
            yield f"- {text(f'{name}: {stated}')}"


def _flow(block: Flow) -> Iterator[str]:
    yield from (f"- {text(line)}" for line in block.lines)


def _table(block: Table) -> Iterator[str]:
    grid = tabular.grid(block)
    if block.title:
        yield from (f"## {text(block.title)}", "")
    yield _row(name for name, _ in grid.heads)
    yield "|" + "|".join("---:" if right else "---" for _, right in grid.heads) + "|"
    yield from (_row(row.cells) for row in grid.rows)


def _gauges(block: Gauges) -> Iterator[str]:
    yield from _table(dataclasses.replace(tabular.of_gauges(block), title=block.title))
    yield from (["", text(block.more)] if block.more else [])


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


_BLOCKS: dict[type[Block], Callable[[Any], Iterable[str]]] = {
    Bars: lambda block: _table(tabular.of_bars(block)),
    Callout: _callout,
    Commands: _commands,
    Flow: _flow,
    Gauges: _gauges,
    Lines: _lines,
    Listing: _listing,
    Pairs: _pairs,
    Paragraph: _paragraphs,
    Plot: lambda block: _table(tabular.of_plot(block)),
    Table: _table,
}
