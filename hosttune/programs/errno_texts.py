"""What C libraries and runtimes call an errno (profiles/errnos), put where a line of a program has {EMFILE}."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from hosttune.errors import ProfileError
from hosttune.model.programs import ANY, LogLine
from hosttune.profile.load import shipped
from hosttune.resolve import toml_file

_ERRNO = re.compile(r"\{(E[A-Z0-9]{2,19})\}")
_LONG = 8
_ESCAPED = re.compile(r"\\?\{(E[A-Z0-9]{2,19})\\?\}")


@cache
def texts() -> Mapping[str, tuple[str, ...]]:
    """Return the texts of each errno that is known, glibc's first; raises ProfileError."""
    rows = toml_file.tables(shipped() / "errnos" / "texts.toml", "table of errnos", ProfileError, ours=True)["errno"]
    return {
        row["name"]: tuple(dict.fromkeys(text for library, text in row.items() if text and library != "name"))
        for row in rows
    }


def spelt_out(row: LogLine) -> LogLine:
    """Return the row as it is sought: every text in the place of an errno's name; raises ProfileError for another name.

    What is announced of it has glibc's text.
    """
    if not any(map(_ERRNO.search, (row.line, row.mark, row.pattern))):
        return row
    return replace(
        row,
        line=_ERRNO.sub(lambda found: _texts(found[1])[0], row.line),
        mark="",
        marks=tuple(mark for sought in row.marks or (_sought(row),) for mark in _each(sought)),
        pattern=_ESCAPED.sub(lambda found: _any(found[1]), row.expression),
    )


def _sought(row: LogLine) -> str:
    """Return what a line is sought by: its mark, its longest part without an errno, or the first errno that it has."""
    if row.mark:
        return row.mark
    longest = max((part for text in row.line.split(ANY) for part in _ERRNO.split(text)[::2]), key=len)
    named = _ERRNO.search(row.line or row.pattern)
    # a mark of few letters would be found all over a log
    return longest if named is None or len(longest) >= _LONG else named[0]


def _each(mark: str) -> list[str]:
    """Return a mark for each text of the errno that is named in it, without the letter that may be of either case."""
    named = _ERRNO.search(mark)
    if named is None:
        return [mark]
    before, after = mark[: named.start()], mark[named.end() :]
    if before and after:
        raise ProfileError(f"mark: {mark}: begin or end it with the name of the errno")
    every = _texts(named[1])
    if not before:
        return list(dict.fromkeys(text[1:] + after for text in every))
    return list(dict.fromkeys(before + first + text[1:] for text in every for first in _cases(text)))


def _any(name: str) -> str:
    """Return the expression that finds any text of an errno, and no longer text of another one."""
    return "(?:" + "|".join(dict.fromkeys(map(_expression, _texts(name)))) + ")"


def _expression(text: str) -> str:
    longer = {
        other[len(text) :]
        for every in texts().values()
        for other in every
        if other[1:].startswith(text[1:]) and len(other) > len(text)
    }
    behind = "".join(f"(?!{re.escape(more)})" for more in sorted(longer))
    return f"[{''.join(_cases(text))}]{re.escape(text[1:])}{behind}"


def _cases(text: str) -> tuple[str, str]:
    return text[0].upper(), text[0].lower()


def _texts(name: str) -> tuple[str, ...]:
    every = texts().get(name)
    if every is None:
        raise ProfileError(f"{{{name}}}: no errno whose texts are known; choose {', '.join(texts())}")
    return every
