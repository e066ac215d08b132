"""Text of a host as Markdown can hold it: escaped, in tables, as code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from hosttune.printable import clean

_BEGINS = re.compile(r"^()([-+>=])|^([0-9]{1,9})([.)])(?=\s|$)")
"""What a list, a quotation or a rule begins with: a mark, or a number and a mark."""


def section(heading: str, lines: Sequence[str]) -> list[str]:
    """Return lines under a heading; nothing where there are none."""
    return [f"## {heading}", "", *lines, ""] if lines else []


def head(*names: str) -> list[str]:
    """Return the head of a table; a column whose name ends in a colon stands to the right."""
    cells = [name.removesuffix(":") for name in names]
    return [row(cells), "|" + "|".join("---:" if name.endswith(":") else "---" for name in names) + "|"]


def row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


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
    text = clean(text)
    fence = "`"
    while fence in text:
        fence += "`"
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"
