"""What the roles of a text look like on a terminal; words beside the colour say the same.

The numbers are those of select graphic rendition (console_codes(4)): no other sequence is ever written.
"""

from __future__ import annotations

import re

BOLD, DIM, RED, GREEN, YELLOW, MAGENTA = "1", "2", "31", "32", "33", "35"
_END = "\x1b[0m"

STYLES: dict[str, str] = {
    "bad": f"{BOLD};{RED}",
    "drift": f"{BOLD};{YELLOW}",
    "unknown": MAGENTA,
    "good": GREEN,
    "heading": BOLD,
    "limit": BOLD,
    "command": BOLD,
    "source": DIM,
    "added": GREEN,
    "removed": RED,
}

SEQUENCES = rf"\x1b\[(?:0|{'|'.join(map(re.escape, sorted(set(STYLES.values()), key=len, reverse=True)))})m"
"""A pattern of the sequences that `paint` writes."""


def paint(text: str, role: str) -> str:
    """Return text of ours in the style of a role, model/roles.py: its value, so that no noun is imported for it."""
    style = STYLES.get(role)
    return f"\x1b[{style}m{text}{_END}" if style and text else text
