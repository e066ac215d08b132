"""What the lints look at, and what they make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hosttune.model import Finding, Origin, Reading, Severity, Subject, Unknown, Value, Verdict

Readings = Mapping[str, Reading]


@dataclass(frozen=True, slots=True)
class LintFacts:
    """What the lints look at beside readings.

    `listening`: ports with a TCP listener, as a set of bits. `assignments`: (dotted key, text, origin) of every line
    in the order in which the boot reads them. `keys`: the keys of this kernel among those assigned, None where they
    are unknown. `logins_raised`: lines of limits.conf(5) files that set nofile. `unit`: of the role's program.
    `raised_file_max`: what starts this system raises fs.file-max to the most there is.
    """

    listening: int = 0
    memory: int | None = None
    page_size: int | None = None
    assignments: tuple[tuple[str, str, Origin], ...] = ()
    keys: frozenset[str] | None = None
    logins_raised: tuple[Origin, ...] = ()
    unit: str = ""
    raised_file_max: bool = False


def finding_of(name: str, key: str, because: str, fix: str, severity: Severity = Severity.WARNING) -> Finding:
    """Return the finding of a lint on a sysctl, or on a subject of another kind."""
    kind, _, rest = key.partition(":")
    subject = Subject(kind, rest) if rest else Subject("sysctl", key)
    return Finding(f"lint:{name}:{key}", subject, Verdict.FAIL, severity, because, fix=fix)


def number(text: str) -> int | None:
    """Return a line's plain number; None for anything else, also for other scripts' digits, which int() may refuse."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None


def in_force(readings: Readings, key: str) -> Value | None:
    """Return the running value, or the one of the next boot where nothing runs (an image)."""
    reading = readings.get(f"sysctl:{key}")
    if reading is None:
        return None
    for layer in (reading.runtime, reading.boot):
        if not isinstance(layer, Unknown):
            return layer
    return None
