"""One page that needs nothing else: no script, no font, no picture from elsewhere; dark where the screen is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from html import escape
from typing import Any

from hosttune.model.document import (
    Bars,
    Block,
    Callout,
    Commands,
    Document,
    Flow,
    Lines,
    Listing,
    Pairs,
    Paragraph,
    Pasted,
    Plot,
    Table,
)
from hosttune.render import pictures, tabular
from hosttune.render.page import PLAIN, Page
from hosttune.render.shapes import svg

_STYLE = """
:root{color-scheme:light dark;--ink:#1d2733;--back:#fff;--line:#dfe5ea;--soft:#f4f6f8;
--bad:#b3301f;--drift:#9a4a12;--good:#2f7a3f;--unknown:#7a3e9d;--plain:#5c6b7a}
@media(prefers-color-scheme:dark){:root{--ink:#e3e8ee;--back:#14191f;--line:#33404c;--soft:#1d252e;
--bad:#ff8a7a;--drift:#f0a56a;--good:#7fd08f;--unknown:#d0a0ee;--plain:#9aa8b5}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);margin:2rem auto;padding:0 1rem;
max-width:72rem;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;overflow-wrap:normal}
.wide{overflow-x:auto}th,td{border-bottom:1px solid var(--line);padding:.3rem .6rem;text-align:left;vertical-align:top}
.right{text-align:right}pre,code{background:var(--soft);border-radius:4px}pre{padding:.6rem;overflow-x:auto}
code{padding:.1rem .3rem}.answer{border-left:.4rem solid var(--role);background:var(--soft);padding:.8rem 1rem}
.answer p:first-child{font-size:1.2rem;font-weight:bold}.answer p{margin:.2rem 0}.about{color:var(--plain)}
.bad{--role:var(--bad)}.drift{--role:var(--drift)}.good{--role:var(--good)}.unknown{--role:var(--unknown)}
.plain{--role:var(--plain)}tr td:first-child{color:var(--role)}svg{max-width:100%;height:auto}
""".strip()


def write(document: Document, page: Page = PLAIN) -> str:
    """Return the page; the terminal's room changes nothing."""
    body = [f"<h1>{_safe(document.title)}</h1>"]
    body += [f'<p class="about">{_safe(" · ".join(document.about))}</p>'] if document.about else []
    for kind, block in tabular.runs(document.blocks):
        body += _BLOCKS[kind](block)
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_safe(document.title)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<main>\n"
    )
    return head + "\n".join(body) + "\n</main>\n</body>\n</html>\n"


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
        deep = f' style="margin-left:{2 * block.depth}rem"' if block.depth else ""
        yield f"<li{deep}>{label}{_safe(block.text)}</li>"
    yield "</ul>"


def _commands(block: Commands) -> Iterator[str]:
    head = f"<strong>{_safe(block.what)}:</strong>"
    for pasted, group in itertools.groupby(block.lines, tabular.pasted):
        text = _safe("\n".join(line.removeprefix("  ") for line in group))
        if pasted:
            yield from ([f"<p>{head}</p>"] if head else [])
            yield f"<pre><code>{text}</code></pre>"
        else:
            yield f"<p>{head} {text}</p>"
        head = ""


def _lines(block: Lines) -> Iterator[str]:
    text = "\n".join(block.lines)
    yield f"<pre>{_safe(text)}</pre>"


def _listing(block: Listing) -> Iterator[str]:
    yield f"<h2>{_safe(block.title.capitalize())}</h2>"
    yield from ("<ul>", *(f"<li>{_safe(item)}</li>" for item in block.items), "</ul>")


def _pairs(block: Pairs) -> Iterator[str]:
    if block.title:
        yield f'<p class="{block.role}"><strong>{_safe(block.title)}</strong></p>'
    yield "<dl>"
    before = ""
    for name, text in block.rows:
        if name and name != before:
            yield f"<dt>{_safe(name)}</dt>"
        before = name
        if isinstance(text, Pasted):
            lines = "\n".join(text.lines)
            yield f"<dd><pre><code>{_safe(lines)}</code></pre></dd>"
        else:
            yield f"<dd>{_safe(text)}</dd>"
    yield "</dl>"


def _flow(block: Flow) -> Iterator[str]:
    yield from ("<ul>", *(f"<li>{_safe(line)}</li>" for line in block.lines), "</ul>")


def _table(block: Table) -> Iterator[str]:
    grid = tabular.grid(block)
    if block.title:
        yield f"<h2>{_safe(block.title)}</h2>"
    sides = [' class="right"' if right else "" for _, right in grid.heads]
    heads = (f'<th scope="col"{side}>{_safe(name)}</th>' for side, (name, _) in zip(sides, grid.heads, strict=True))
    yield f'<div class="wide"><table>\n<thead><tr>{"".join(heads)}</tr></thead>\n<tbody>'
    for row in grid.rows:
        cells = (f"<td{side}>{_safe(cell)}</td>" for side, cell in zip(sides, row.cells, strict=True))
        yield f'<tr class="{row.role}">{"".join(cells)}</tr>'
    yield "</tbody></table></div>"


def _drawn(block: Bars | Flow | Plot, below: Iterable[str]) -> Iterator[str]:
    made = pictures.draw(block)
    assert made is not None
    title = "the way through the tiers" if isinstance(block, Flow) else block.title
    yield f"<figure>{svg(title, made.lines, made.width, made.height)}</figure>"
    yield from below


_BLOCKS: dict[type[Block], Callable[[Any], Iterable[str]]] = {
    Bars: lambda block: _drawn(block, _table(tabular.of_bars(block))),
    Callout: _callout,
    Commands: _commands,
    Flow: lambda block: _drawn(block, _flow(block)),
    Lines: _lines,
    Listing: _listing,
    Pairs: _pairs,
    Paragraph: _paragraphs,
    Plot: lambda block: _drawn(block, _table(tabular.of_plot(block))),
    Table: _table,
}
