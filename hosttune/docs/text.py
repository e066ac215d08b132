"""Markdown as text for a terminal: the little of it that the pages use."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

_INDENT = "  "
_LEAST = 20
"""Columns of the last column of a table, below which its rows are written one below the other."""

_ITEM = re.compile(r"(- |\d+\. )")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_PAGE = re.compile(r"(?:docs/)?([a-z]+)\.md(?:#.*)?")
_STRONG = re.compile(r"(\*\*|(?<!\w)\*(?=\w))(.+?)\1")


def plain(source: str, width: int) -> str:
    """Return the text in lines of at most `width` columns; code, diagrams and longer words stay whole."""
    lines: list[str] = []
    in_list = False
    for block in _blocks(source):
        item = bool(_ITEM.match(block[0]))
        if lines and not (item and in_list):
            lines.append("")
        lines += _written(block, max(width, 2 * _LEAST))
        in_list = item
    return "\n".join(lines) + "\n"


def _blocks(source: str) -> Iterator[list[str]]:
    """Yield the lines of each block: a heading, a paragraph, an item of a list, a table, or code as it stands."""
    block: list[str] = []
    fenced = False
    for line in [*source.splitlines(), ""]:
        if line.startswith("```"):
            if fenced:
                yield [*block, line]
            elif block:
                yield block
            block, fenced = ([], False) if fenced else ([line], True)
        elif fenced:
            block.append(line)
        elif block and block[0].startswith("    "):
            # an empty line does not end indented code that goes on
            if line and not line.startswith("    "):
                yield _stripped(block)
                block = [line]
            else:
                block.append(line)
        elif not line or _begins(line, block):
            if block:
                yield block
            block = [line] if line else []
        else:
            block.append(line)
    if block := _stripped(block):
        yield block


def _begins(line: str, block: Sequence[str]) -> bool:
    """Say whether a line begins another block than the one before it, without an empty line between them."""
    last = block[0] if block else ""
    return (
        line.startswith("#")
        or last.startswith("#")
        or line.startswith("|") != last.startswith("|")
        or bool(_ITEM.match(line))
    )


def _stripped(block: list[str]) -> list[str]:
    while block and not block[-1].strip():
        block = block[:-1]
    return block


def _written(block: Sequence[str], width: int) -> list[str]:
    first = block[0]
    if first.startswith("<!--"):
        return []
    if first.startswith("#"):
        title = _inline(first.lstrip("# "))
        return _wrapped(title.upper() if first.startswith("# ") else title, width, "")
    if first.startswith("```"):
        return [f"{_INDENT}{_INDENT}{line}".rstrip() for line in block[1:-1]]
    if first.startswith("    "):
        return [line.rstrip() for line in block]
    if first.startswith("|"):
        return _table(block, width)
    mark = _ITEM.match(first)
    text = _inline(" ".join(line.strip() for line in block))
    head = f"{_INDENT}{mark[1]}" if mark else _INDENT
    return _wrapped(text.removeprefix(mark[1]) if mark else text, width, head)


def _wrapped(text: str, width: int, head: str) -> list[str]:
    """Return lines that stand right of `head`, which the first of them begins with."""
    wrapper = textwrap.TextWrapper(width, head, " " * len(head), break_on_hyphens=False, break_long_words=False)
    return wrapper.wrap(text) or [head.rstrip()]


def _table(block: Sequence[str], width: int) -> list[str]:
    """Return columns where the last one has room, else each row as a paragraph behind its first cell."""
    rows = [[_inline(cell.strip()) for cell in line.strip().strip("|").split("|")] for line in block]
    rows = [row for row in rows if not all(re.fullmatch(r":?-+:?", cell) for cell in row)]
    count = max(map(len, rows), default=1)
    rows = [[*row, *[""] * (count - len(row))] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(count - 1)]
    left = len(_INDENT) + sum(widths) + 2 * len(widths)
    if width - left >= _LEAST:
        heads = ["".join(f"{cell:<{size + 2}}" for cell, size in zip(row, widths, strict=False)) for row in rows]
        return [
            line.rstrip()
            for row, head in zip(rows, heads, strict=True)
            for line in _wrapped(row[-1], width, f"{_INDENT}{head}")
        ]
    names = rows[0] if rows else []
    written = []
    for row in rows[1:]:
        told = [f"{name}: {cell}" if name else cell for name, cell in zip(names[1:], row[1:], strict=True) if cell]
        written += _wrapped(row[0], width, _INDENT)
        written += [line for each in told for line in _wrapped(each, width, f"{_INDENT}{_INDENT}")]
    return written


def _inline(text: str) -> str:
    """Return text without marks: code in its quotes stays as it is, a link to a page is its command."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(part if part.startswith("`") else _unmarked(part) for part in parts)


def _unmarked(text: str) -> str:
    return _LINK.sub(_reference, _STRONG.sub(r"\2", text))


def _reference(link: re.Match[str]) -> str:
    page = _PAGE.fullmatch(link[2])
    if not page:
        return f"{link[1]} ({link[2]})"
    command = f"`hosttune docs {page[1]}`"
    return command if link[1] == page[1] else f"{link[1]} ({command})"
