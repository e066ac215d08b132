"""Which of the lines that are known of a program it writes to its log when it meets a bound."""

from __future__ import annotations

import re

from hosttune.model import BindMode
from hosttune.model.programs import ANY, KnownProgram, When

OR = " or: "
"""Stands between lines of which either may come."""


def log_lines(program: KnownProgram, kind: str, mode: BindMode, when: When = "") -> tuple[str, ...]:
    """Return the lines that a program writes at a bound, the likeliest first; () where none is known."""
    rows = (row for row in program.log if row.line and row.bound == kind and (not row.modes or mode in row.modes))
    return tuple(row.line for row in rows if "" in (row.when, when) or row.when == when)


def log_line(program: KnownProgram, kind: str, mode: BindMode, when: When = "") -> str:
    """Return what to look for in the log as one text, alternatives joined by " or: "; "" where no line is known."""
    return OR.join(log_lines(program, kind, mode, when))


def appears(line: str, log: str) -> bool:
    """Say whether a line is in a log, whatever stands for its ellipses."""
    return re.search(".*".join(re.escape(part) for part in line.split(ANY)), log) is not None
