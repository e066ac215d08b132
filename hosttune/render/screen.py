"""A look at a watched host as a live screen: what does not fit below each other is left out, never scrolled."""

from __future__ import annotations

import dataclasses

from hosttune.model import View
from hosttune.model.document import Document, Paragraph, Table
from hosttune.model.roles import Role
from hosttune.printable import cleaned
from hosttune.render import lines, spans
from hosttune.render.figures import cut
from hosttune.render.page import Page
from hosttune.render.view import view as looks

Row = tuple[str, Role]
"""A line and its role: DRIFT beyond the knee, BAD at the limit."""


def screen(view: View, width: int, height: int, unicode: bool = True) -> list[Row]:
    """Return the lines of a screen of so many columns and rows."""
    page, document = Page(width=width, unicode=unicode), cleaned(looks.document(view, False))
    table = next(block for block in document.blocks if isinstance(block, Table))
    place = document.blocks.index(table)
    head = [*lines.walk(Document("", document.about, document.blocks[:place]), page)]
    foot = [line for block in document.blocks[place + 1 :] for line in _short(block, page)]
    keys = f"q quit   s sort: {view.sort}   1 nearest  2 full first  3 largest  4 name"
    foot = [*foot[: max(height // 4, 1)], spans.Line(()), *spans.of([cut(keys, width, unicode)])]
    room = max(height - len(head) - len(foot) - 2, 1)
    shown = dataclasses.replace(table, rows=table.rows[:room])
    return [(line.text, line.role) for line in (*head, *lines.of_block(shown, page), *foot)]


def _short(block: object, page: Page) -> list[spans.Line]:
    assert isinstance(block, Paragraph)
    return [*lines.of_block(block, page)][:2]
