"""What the roles of a text look like on a terminal; words beside the colour say the same.

The numbers are those of select graphic rendition (console_codes(4)): no other sequence is ever written.
"""

from __future__ import annotations

import re

from hosttune.model.document import Role

BOLD, DIM, RED, GREEN, YELLOW, MAGENTA = "1", "2", "31", "32", "33", "35"
_END = "\x1b[0m"

STYLES = {
    Role.BAD: f"{BOLD};{RED}",
    Role.DRIFT: f"{BOLD};{YELLOW}",
    Role.UNKNOWN: MAGENTA,
    Role.GOOD: GREEN,
    Role.HEADING: BOLD,
    Role.LIMIT: BOLD,
    Role.COMMAND: BOLD,
    Role.SOURCE: DIM,
    Role.ADDED: GREEN,
    Role.REMOVED: RED,
}

SEQUENCES = rf"\x1b\[(?:0|{'|'.join(map(re.escape, sorted(set(STYLES.values()), key=len, reverse=True)))})m"
"""A pattern of the sequences that `paint` writes."""


def paint(text: str, role: Role) -> str:
    """Return text of ours in the style of a role."""
    style = STYLES.get(role)
    return f"\x1b[{style}m{text}{_END}" if style and text else text
