"""What systemd-sysctl makes of the files at boot (src/sysctl/sysctl.c; 247, 252 and 257 agree)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from hosttune.host import Host
from hosttune.model import Origin
from hosttune.resolve.bounds import LONGEST_KEY, MOST_FILES, warnings_within, within
from hosttune.resolve.sysctl_files import Assignment, Resolution, Resolved, check_patterns, expand, read, surviving
from hosttune.resolve.sysctl_value import display, normalise

_BLANK = " \t\n\r"


def resolve_systemd(host: Host, keys: Iterable[str] = (), now: bool = False) -> Resolution:
    """Return the value that each key gets at boot; `now`: that it would get now, from what lies in /run too.

    `keys` are dotted keys that globs may match beside those of /proc/sys. Raises RefusedError beyond the bounds.
    """
    unread: list[str] = []
    files = tuple(within(((path, read(host, path, unread)) for path in surviving(host, now=now)), "sysctl.d"))
    made = _made_of(files)
    values = dict(made.plain)
    known = [normalise(key) for key in keys]
    for entry in made.patterns:
        for target in expand(host, entry.key, known):
            if target not in made.explicit:
                name = display(target)
                won = made.last[entry.key]
                values[name] = Resolved(entry.text or "", won, made.beaten(name, won))
    return Resolution("systemd-sysctl", values, (*unread, *made.warnings), made.lines)


@dataclass(frozen=True, slots=True)
class _Made:
    """What the texts alone come to: the values of whole keys, and the patterns, whose keys the host knows."""

    lines: tuple[Assignment, ...]
    warnings: tuple[str, ...]
    plain: dict[str, Resolved]
    patterns: tuple[Assignment, ...]
    explicit: frozenset[str]
    last: dict[str, Origin]
    origins: dict[str, list[Origin]]

    def beaten(self, name: str, won: Origin) -> tuple[Origin, ...]:
        return tuple(origin for origin in reversed(self.origins.get(name, [])) if origin != won)


@lru_cache(maxsize=4)
def _made_of(files: tuple[tuple[str, str], ...]) -> _Made:
    """Cached, for a plan is tried under many names, and each time all is resolved anew."""
    parsed = [_parsed(path, text) for path, text in files]
    lines = tuple(line for assignments, _ in parsed for line in assignments)
    check_patterns(lines)
    table = _table(lines)
    explicit = frozenset(entry.key for entry in table if not entry.glob)
    patterns = tuple(entry for entry in table if entry.glob and entry.text is not None)
    warnings = warnings_within([warning for _, notes in parsed for warning in notes])
    last = {line.key: line.origin for line in lines}
    made = _Made(lines, warnings, {}, patterns, explicit, last, _origins(lines))
    for entry in table:
        if entry.text is not None and entry.key in explicit:
            name, won = display(entry.key), last[entry.key]
            made.plain[name] = Resolved(entry.text, won, made.beaten(name, won))
    return made


def _origins(lines: Iterable[Assignment]) -> dict[str, list[Origin]]:
    """Return where each key is given a value, in the order in which the lines are read."""
    origins: dict[str, list[Origin]] = {}
    for line in lines:
        if line.text is not None:
            origins.setdefault(display(line.key), []).append(line.origin)
    return origins


def parse(path: str, text: str, warnings: list[str]) -> list[Assignment]:
    """Return the lines that name a key; malformed ones become a warning. Lines end at \\n, \\r or NUL, in any run."""
    assignments, notes = _parsed(path, text)
    warnings.extend(notes)
    return list(assignments)


@lru_cache(maxsize=MOST_FILES)
def _parsed(path: str, text: str) -> tuple[tuple[Assignment, ...], tuple[str, ...]]:
    assignments: list[Assignment] = []
    warnings: list[str] = []
    number = 0
    for line, ending in _lines(text):
        number += 1
        stripped = line.strip(_BLANK)
        if stripped and stripped[0] not in "#;":
            assignment = _assignment(path, number, stripped, warnings)
            if assignment:
                assignments.append(assignment)
        number += max(ending.count("\n"), 1) - 1
    return tuple(assignments), tuple(warnings)


def _lines(text: str) -> list[tuple[str, str]]:
    pieces = re.split(r"([\n\r\0]+)", text)
    return list(zip(pieces[::2], [*pieces[1::2], ""], strict=False))


def _assignment(path: str, number: int, line: str, warnings: list[str]) -> Assignment | None:
    key, equals, value = line.partition("=")
    ignore = key.startswith("-")
    if not equals and not ignore:
        warnings.append(f"{path}:{number}: no `=`, the line is skipped")
        return None
    name = normalise((key[1:] if ignore else key).strip(_BLANK))
    if len(key) > LONGEST_KEY or not name or ".." in name.split("/"):
        warnings.append(f"{path}:{number}: not a key below /proc/sys, the line is refused")
        return None
    text = value.strip(_BLANK) if equals else None
    return Assignment(name, text, Origin(path, number, text or ""), ignore)


def _table(lines: Iterable[Assignment]) -> list[Assignment]:
    """Keep one entry a key: the same value again keeps its place, another value moves it to the end."""
    entries: dict[str, Assignment] = {}
    for line in lines:
        present = entries.get(line.key)
        if present is not None:
            if present.text == line.text:
                continue
            del entries[line.key]
        entries[line.key] = line
    return list(entries.values())
