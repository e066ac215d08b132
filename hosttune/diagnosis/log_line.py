"""One row of the table of well-known lines of logs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hosttune.capacity import logs

# the kinds of cause that an errno can be a sign of, the likeliest first; and what stands for "ERRNO call"
PORTS = "ports time-wait ports-held"
SILENT = "outside path conntrack"
NO_PORT = "EADDRNOTAVAIL connect"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of one program: what finds it (its named groups are its numbers), and what it is a sign of.

    `mark` is a part of the line that never differs: it is sought first, for that is cheap. No `causes`: the line looks
    like another one, and is no sign of a stall. `source` names where the line comes from: the program's own file, or
    a public report.
    """

    program: str
    mark: str
    pattern: re.Pattern[str]
    causes: tuple[str, ...]
    source: str
    errno: str = ""
    call: str = ""


def line(program: str, mark: str, pattern: str, causes: str, source: str, told: str = "") -> Line:
    """Return a row; `pattern` "" is the mark itself, `told` is "ERRNO call"."""
    errno, _, call = told.partition(" ")
    return Line(program, mark, re.compile(pattern or re.escape(mark)), tuple(causes.split()), source, errno, call)


def seen(program: str, part: str, causes: str, told: str = "", names: str = "") -> Line:
    """Return a row for the line of capacity's table that has `part` in it.

    `names` are those of the numbers that stand for its ellipses; "-" has none.
    """
    row = next(row for row in logs.LINES if row.program == program and part in row.line)
    parts, named = row.line.rstrip(".").split(logs.ANY), iter(names.split())
    pattern = re.escape(parts[0])
    for fixed in parts[1:]:
        name = next(named, "-")
        pattern += (r".{1,200}?" if name == "-" else rf"(?P<{name}>\d{{1,12}})") + re.escape(fixed)
    return line(program, part, pattern, causes, row.source, told)
