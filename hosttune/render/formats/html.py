"""One page that needs nothing else: no script, no font, no picture from elsewhere; dark where the screen is.

Only a table that can be sorted brings a script with it, and is a table without it too.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator
from html import escape
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
from hosttune.render import pictures, tabular
from hosttune.render.page import PLAIN, Page
from hosttune.render.pages import charts, sorting, style
from hosttune.render.shapes import svg

_STYLE = style.style()
_LONG = 28  # letters of a cell that is given room, rather than folded to a word a line
_REMARK = "remark"  # what a column without a head is called


def write(document: Document, page: Page = PLAIN) -> str:
    """Return the page; the terminal's room changes nothing."""
    body = [f"<h1>{_safe(document.title)}</h1>"]
    body += [f'<p class="about">{_safe(" · ".join(document.about))}</p>'] if document.about else []
    for kind, block in tabular.runs(document.blocks):
        body += _BLOCKS[kind](block)
    sorts = any(isinstance(block, Table) and block.sortable for block in document.blocks)
    policy = sorting.policy(f"\n{_STYLE}\n", script=sorts)
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{_safe(document.title)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<main>\n"
    )
    script = f"<script>{sorting.SCRIPT}</script>\n" if sorts else ""
    return head + "\n".join(body) + f"\n</main>\n{script}</body>\n</html>\n"


def _safe(text: str) -> str:
    return escape(text)


def _callout(block: Callout) -> Iterator[str]:
    yield f'<div class="answer {block.role}" role="status">'
    yield from (f"<p>{_safe(text)}</p>" for text in (block.text, *block.sentences))
    yield "</div>"


def _paragraphs(blocks: Iterable[Paragraph]) -> Iterator[str]:
    yield "<ul>"
    for block in blocks:
        label = f"<strong>{_safe(block.label)}:</strong> " if block.label else ""
        deep = f' class="deep{min(block.depth, 3)}"' if block.depth else ""
        yield f"<li{deep}>{label}{_safe(block.text)}</li>"
    yield "</ul>"


def _commands(block: Commands) -> Iterator[str]:
    head = f"<strong>{_safe(block.what)}:</strong>"
    for pasted, group in itertools.groupby(block.lines, tabular.pasted):
        text = _safe("\n".join(line.removeprefix("  ") for line in group))
        if pasted:
            yield from ([f"<p>{head}</p>"] if head else [])
            yield f'<pre tabindex="0"><code>{text}</code></pre>'
        else:
            yield f"<p>{head} {text}</p>"
        head = ""


def _lines(block: Lines) -> Iterator[str]:
    text = "\n".join(block.lines)
    yield f'<pre tabindex="0">{_safe(text)}</pre>'


def _listing(block: Listing) -> Iterator[str]:
    yield f"<h2>{_safe(block.title.capitalize())}</h2>"
    yield from ("<ul>", *(f"<li>{_safe(item)}</li>" for item in block.items), "</ul>")


def _pairs(block: Pairs) -> Iterator[str]:
    if block.title:
        yield f'<h2 class="head {block.role}">{_safe(block.title)}</h2>'
    yield "<dl>"
    before = ""
    for name, text in block.rows:
        if name and name != before:
            yield f"<dt>{_safe(name)}</dt>"
        before = name
        if isinstance(text, Pasted):
            lines = "\n".join(text.lines)
            yield f'<dd><pre tabindex="0"><code>{_safe(lines)}</code></pre></dd>'
        else:
            yield f"<dd>{_safe(text)}</dd>"
    yield "</dl>"


def _table(block: Table) -> Iterator[str]:
    grid = tabular.grid(block)
    if block.title:
        yield f"<h2>{_safe(block.title)}</h2>"
    label = charts.quoted(block.title or grid.heads[0][0] or _REMARK)
    yield f'<div class="wide" role="region" tabindex="0" aria-label="{label}">'
    yield f'<table class="{"sortable" if block.sortable else "plain"}">'
    yield f"<thead><tr>{''.join(_head(name, right) for name, right in grid.heads)}</tr></thead>\n<tbody>"
    for row in grid.rows:
        cells = (_cell(cell, right) for cell, (_, right) in zip(row.cells, grid.heads, strict=True))
        yield f'<tr class="{row.role}">{"".join(cells)}</tr>'
    yield "</tbody></table></div>"


def _head(name: str, right: bool) -> str:
    shown = _safe(name) if name.strip() else f'<span class="hidden">{_REMARK}</span>'
    return f'<th scope="col"{_RIGHT if right else ""}>{shown}</th>'


def _cell(text: str, right: bool) -> str:
    kind = _RIGHT if right and len(text) <= _LONG else ' class="long"' if len(text) > _LONG else ' class="short"'
    return f"<td{kind}>{_safe(text)}</td>"


def _bars(block: Bars) -> Iterator[str]:
    if not block.bars:
        return
    table = tabular.of_bars(block)
    yield f"<h2>{_safe(table.title)}</h2>"
    yield from charts.limits(block)
    yield from _table(dataclasses.replace(table, title=""))


def _gauges(block: Gauges) -> Iterator[str]:
    yield f"<h2>{_safe(block.title)}</h2>"
    yield from charts.gauges(block)


def _plot(block: Plot) -> Iterator[str]:
    yield f"<h2>{_safe(block.title)}</h2>"
    yield from charts.curves(block)
    yield "<details><summary>The same as a table</summary>"
    yield from _table(dataclasses.replace(tabular.of_plot(block), title=""))
    yield "</details>"


def _flow(block: Flow) -> Iterator[str]:
    made = pictures.draw(block)
    assert made is not None
    marked = [f"{box.name}: {box.mark}" for box in block.boxes if box.mark]
    label = "The way through the tiers"
    drawn = svg(label, made.lines, made.width, made.height, "; ".join([*marked, *block.lines]))
    yield f"<h2>{label}</h2>"
    yield f'<figure class="wide drawn" role="region" tabindex="0" aria-label="{label}">{drawn}</figure>'
    yield from ("<ul>", *(f"<li>{_safe(line)}</li>" for line in block.lines), "</ul>")


_RIGHT = ' class="right"'
_BLOCKS: dict[type[Block], Callable[[Any], Iterable[str]]] = {
    Bars: _bars,
    Callout: _callout,
    Commands: _commands,
    Flow: _flow,
    Gauges: _gauges,
    Lines: _lines,
    Listing: _listing,
    Pairs: _pairs,
    Paragraph: _paragraphs,
    Plot: _plot,
    Table: _table,
}
