"""What systemd-sysctl makes of the files at boot (src/sysctl/sysctl.c; 247, 252 and 257 agree)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hosttune.host import Host
from hosttune.model import Origin
from hosttune.resolve.sysctl_files import Assignment, Resolution, Resolved, expand, read, surviving
from hosttune.resolve.sysctl_value import display, normalise

_BLANK = " \t\n\r"


def resolve_systemd(host: Host, keys: Iterable[str] = (), now: bool = False) -> Resolution:
    """Return the value that each key gets at boot; `now`: that it would get now, from what lies in /run too.

    `keys` are dotted keys that globs may match beside those of /proc/sys.
    """
    warnings: list[str] = []
    lines = [a for path in surviving(host, now=now) for a in parse(path, read(host, path, warnings), warnings)]
    table = _table(lines)
    explicit = {a.key for a in table if not a.glob}
    known = [normalise(key) for key in keys]
    last = {line.key: line.origin for line in lines}
    values: dict[str, Resolved] = {}
    for entry in table:
        if entry.text is None:
            continue
        targets = [t for t in expand(host, entry.key, known) if t not in explicit] if entry.glob else [entry.key]
        for target in targets:
            values[display(target)] = Resolved(entry.text, last[entry.key], ())
    return Resolution("systemd-sysctl", _with_beaten(values, lines), tuple(warnings), tuple(lines))


def parse(path: str, text: str, warnings: list[str]) -> list[Assignment]:
    """Return the lines that name a key; malformed ones become a warning. Lines end at \\n, \\r or NUL, in any run."""
    found: list[Assignment] = []
    number = 0
    for line, ending in _lines(text):
        number += 1
        stripped = line.strip(_BLANK)
        if stripped and stripped[0] not in "#;":
            one = _assignment(path, number, stripped, warnings)
            if one:
                found.append(one)
        number += max(ending.count("\n"), 1) - 1
    return found


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
    if not name or ".." in name.split("/"):
        warnings.append(f"{path}:{number}: not a key below /proc/sys, the line is refused")
        return None
    text = value.strip(_BLANK) if equals else None
    return Assignment(name, text, Origin(path, number, text or ""), ignore)


def _table(lines: list[Assignment]) -> list[Assignment]:
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


def _with_beaten(values: dict[str, Resolved], lines: list[Assignment]) -> dict[str, Resolved]:
    by_key: dict[str, list[Origin]] = {}
    for line in lines:
        if line.text is not None:
            by_key.setdefault(display(line.key), []).append(line.origin)
    done: dict[str, Resolved] = {}
    for key, won in values.items():
        losers = tuple(o for o in reversed(by_key.get(key, [])) if o != won.origin)
        done[key] = Resolved(won.text, won.origin, losers)
    return done
