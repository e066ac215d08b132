"""Text of a host as Markdown can hold it: escaped, in tables, as code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hosttune.render._figures import clean


def section(heading: str, lines: Sequence[str]) -> list[str]:
    """Return lines under a heading; nothing where there are none."""
    return [f"## {heading}", "", *lines, ""] if lines else []


def head(*names: str) -> list[str]:
    """Return the head of a table; a column whose name ends in a colon stands to the right."""
    cells = [name.removesuffix(":") for name in names]
    return [row(cells), "|" + "|".join("---:" if name.endswith(":") else "---" for name in names) + "|"]


def row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(text(cell) for cell in cells) + " |"


def text(text: str) -> str:
    """Return untrusted text as Markdown, and a cell of a table, can hold it: no markup, no link, no second column."""
    text = clean(text).replace("&", "&amp;").replace("<", "&lt;")
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
