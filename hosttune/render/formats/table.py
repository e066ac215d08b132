"""Text for a terminal; colour stands beside words that say the same."""

from __future__ import annotations

from hosttune.model.document import Document, Role
from hosttune.render import lines
from hosttune.render.page import PLAIN, Page

# select graphic rendition, console_codes(4)
_COLOURS = {Role.BAD: "1;31", Role.DRIFT: "1;33", Role.UNKNOWN: "35", Role.GOOD: "32"}


def write(document: Document, page: Page = PLAIN) -> str:
    """Return the text, with colour where the page has it, with plain separators where it has no others."""
    made = "\n".join(_painted(line, page) for line in lines.walk(document, page)).lstrip("\n") + "\n"
    return made if page.unicode else made.replace(" · ", " | ")


def _painted(line: grid.Line, page: Page) -> str:
    text = line[0].rstrip()
    before, marked, after = lines.parts(line)
    if not page.color or not marked or line[1] not in _COLOURS:
        return text
    return f"{before}\x1b[{_COLOURS[line[1]]}m{marked}\x1b[0m{after}"
