"""Text for a terminal; colour stands beside words that say the same."""

from __future__ import annotations

from hosttune.model.document import Document
from hosttune.render import lines
from hosttune.render.page import PLAIN, Page
from hosttune.render.spans import Line
from hosttune.render.styles import paint


def write(document: Document, page: Page = PLAIN) -> str:
    """Return the text, with colour where the page has it, with plain separators where it has no others."""
    made = "\n".join(_painted(line, page) for line in lines.walk(document, page)).lstrip("\n") + "\n"
    return made if page.unicode else made.replace(" · ", " | ")


def _painted(line: Line, page: Page) -> str:
    return "".join(paint(text, role) for text, role in line.parts) if page.color else line.text
