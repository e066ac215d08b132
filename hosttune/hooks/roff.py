"""Text as roff has it, in the macros of man(7)."""

from __future__ import annotations

import re

# what roff has its own sense of, as the character that is meant
_GLYPHS = {"\\": r"\(rs", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}
_LITERAL = re.compile(r"`([^`]+)`|(?<![\w/-])(--?[a-z][a-z0-9-]*)")


def escaped(text: str) -> str:
    """Return text that is printed as it stands, on one line of the source."""
    out = "".join(_glyph(char) for char in " ".join(text.split()))
    # a line that begins with one of these is a request
    return rf"\&{out}" if out.startswith(".") else out


def bold(text: str) -> str:
    """Return text in bold, as what is typed is."""
    return rf"\fB{escaped(text)}\fR"


def italic(text: str) -> str:
    """Return text in italics, as what stands for something is."""
    return rf"\fI{escaped(text)}\fR"


def prose(text: str) -> str:
    """Return a paragraph; options, and what stands between backticks, are in bold."""
    out, at = [], 0
    for match in _LITERAL.finditer(text):
        out += [_inner(text[at : match.start()]), rf"\fB{_inner(match[1] or match[2])}\fR"]
        at = match.end()
    line = "".join([*out, _inner(text[at:])]).strip()
    return rf"\&{line}" if line.startswith(".") else line


def item(head: str, text: str) -> list[str]:
    """Return the lines of an item; `head` is roff already."""
    return [".TP", head, *([prose(text)] if text else [r"\&"])]


def line(text: str) -> str:
    """Return a line of an example: its blanks stay."""
    out = "".join(map(_glyph, text)) or r"\&"
    return rf"\&{out}" if out[0] in ".'" else out


def _inner(text: str) -> str:
    return "".join(_glyph(char) for char in re.sub(r"\s+", " ", text))


def _glyph(char: str) -> str:
    if char in _GLYPHS:
        return _GLYPHS[char]
    if char < " " or char == "\x7f":
        return "?"
    return char if char < "\x7f" else rf"\[u{ord(char):04X}]"
