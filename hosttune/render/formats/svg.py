"""A picture: bars, flows and curves are drawn, all else is text below each other.

It is plain SVG 1.1 without script, style sheet or font of its own; what a colour means is said by a word or a shape.
"""

from __future__ import annotations

import math

from hosttune.model.document import Block, Callout, Document
from hosttune.model.roles import Role
from hosttune.render import lines, pictures
from hosttune.render.page import PLAIN, Page
from hosttune.render.shapes import EDGE, FILLS, INK, Picture, folded, safe, svg, text

_WIDTH = 980
_COLUMNS = 126
_HIGH = 17
_LETTER = 7.3  # pixels of a letter of size 12 in most monospaced fonts, with some to spare


def write(document: Document, page: Page = PLAIN) -> str:
    """Return the picture as a document of its own; it is wider than 980 pixels where a drawing is."""
    body = [text(EDGE, 34, folded(document.title, _WIDTH, 15)[0], INK, size=15, weight="bold")]
    y, width = 34, _WIDTH
    for line in folded(" · ".join(document.about), _WIDTH - 2 * EDGE, 12):
        y += _HIGH
        body.append(text(EDGE, y, line, INK))
    y += 6
    for block in document.blocks:
        made = pictures.draw(block) or (_callout(block) if isinstance(block, Callout) else _text(block))
        if made.lines:
            body += [f'<g transform="translate(0 {y})">', *made.lines, "</g>"]
        y, width = y + made.height, max(width, made.width)
    answer = next((block.text for block in document.blocks if isinstance(block, Callout)), "")
    return svg(document.title, body, width, y + EDGE, answer) + "\n"


def _callout(block: Callout) -> Picture:
    y, made = 8, []
    for number, line in enumerate((block.text, *block.sentences)):
        size, weight = (12, "normal") if number else (17, "bold")
        for part in folded(line, _WIDTH - 2 * EDGE, size):
            y += size + 7
            made.append(text(EDGE, y, part, INK, size=size, weight=weight))
    return Picture(tuple(made), _WIDTH, y + 12)


def _text(block: Block) -> Picture:
    """Return a block as lines of letters of one width."""
    y, width, made = 0, _WIDTH, []
    for line in lines.of_block(block, Page(width=_COLUMNS)):
        y += _HIGH
        # what is to be pasted is longer than the page
        width = max(width, 2 * EDGE + math.ceil(len(line.text) * _LETTER))
        if line.text.strip():
            made.append(
                f'<text x="{EDGE}" y="{y}" fill="{INK}" font-family="monospace" xml:space="preserve">'
                f"{''.join(_span(*part) for part in line.parts)}</text>"
            )
    return Picture(tuple(made), width, y)


def _span(words: str, role: Role) -> str:
    fill = f' fill="{FILLS[role]}"' if role in FILLS and role is not Role.PLAIN else ""
    bold = ' font-weight="bold"' if fill or role in (Role.HEADING, Role.LIMIT, Role.COMMAND) else ""
    return f"<tspan{fill}{bold}>{safe(words)}</tspan>" if bold else safe(words)
