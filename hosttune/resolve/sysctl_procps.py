"""What `sysctl --system` of procps makes of the files (src/sysctl.c of 4.0, sysctl.c of 3.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

from hosttune.host import Host
from hosttune.model import Origin
from hosttune.resolve.bounds import LONGEST_KEY, MOST_FILES, warnings_within, within
from hosttune.resolve.sysctl_files import Assignment, Resolution, Resolved, check_patterns, expand, read, surviving
from hosttune.resolve.sysctl_value import display

_BLANK = " \t\n\v\f\r"  # isspace(3) in the C locale


def resolve_procps(host: Host, release: tuple[int, int, int], keys: Iterable[str] = ()) -> Resolution:
    """Return what each key ends up with; every assignment is written in order, so the last one wins.

    Raises RefusedError beyond the bounds.
    """
    old = release < (4, 0, 0)
    paths = surviving(host, hidden=True)
    if host.glob("/etc/sysctl.conf"):
        paths = [*paths, "/etc/sysctl.conf"]
    made = _made_of(tuple(within(((path, read(host, path, [])) for path in paths), "sysctl.d")), old)
    known = [_place(key.translate({46: 47, 47: 46})) for key in keys]
    written: dict[str, list[tuple[int, Assignment]]] = {}
    for at, line in made.asking:
        if not _reachable(host, line.key):
            continue
        targets = [line.key]
        if line.glob and not old:
            targets = [target for target in expand(host, line.key, known) if target not in made.explicit]
        for target in targets:
            written.setdefault(display(_place(target)), []).append((at, line))
    values = dict(made.plain)
    for name, lines in written.items():
        values[name] = _last([line for _, line in sorted([*made.written.get(name, []), *lines], key=itemgetter(0))])
    version = ".".join(map(str, release))
    return Resolution(f"sysctl --system (procps {version})", values, made.warnings, made.lines)


@dataclass(frozen=True, slots=True)
class _Made:
    """What the texts alone come to; of `asking` only the host can say which keys they set, or whether at all.

    `written` are the assignments of each key in order, with their places among all lines; `plain` its last.
    """

    lines: tuple[Assignment, ...]
    warnings: tuple[str, ...]
    explicit: frozenset[str]
    asking: tuple[tuple[int, Assignment], ...]
    written: dict[str, list[tuple[int, Assignment]]]
    plain: dict[str, Resolved]


@lru_cache(maxsize=4)
def _made_of(files: tuple[tuple[str, str], ...], old: bool) -> _Made:
    """Cached, for a plan is tried under many names, and each time all is resolved anew."""
    parsed = [_parsed(path, text, old) for path, text in files]
    lines = tuple(line for assignments, _ in parsed for line in assignments)
    if not old:
        check_patterns(lines)
    warnings = warnings_within([warning for _, notes in parsed for warning in notes])
    explicit: set[str] = set()
    asking: list[tuple[int, Assignment]] = []
    written: dict[str, list[tuple[int, Assignment]]] = {}
    for at, line in enumerate(lines):
        glob = line.glob
        if not glob:
            # compared as written: `vm//x` and `/vm/x` name the same file and yet keep no glob away from it
            explicit.add(line.key)
        if line.text is None:
            continue
        if ".." in line.key or (glob and not old):
            asking.append((at, line))
        else:
            written.setdefault(display(_place(line.key)), []).append((at, line))
    plain = {name: _last([line for _, line in rows]) for name, rows in written.items()}
    return _Made(lines, warnings, frozenset(explicit), tuple(asking), written, plain)


def _last(lines: list[Assignment]) -> Resolved:
    return Resolved(lines[-1].text or "", lines[-1].origin, tuple(line.origin for line in lines[-2::-1]))


def parse(path: str, text: str, old: bool, warnings: list[str]) -> list[Assignment]:
    """Return the lines that name a key; `old` is 3.3, without globs, exclusions and empty values."""
    assignments, notes = _parsed(path, text, old)
    warnings.extend(notes)
    return list(assignments)


@lru_cache(maxsize=MOST_FILES)
def _parsed(path: str, text: str, old: bool) -> tuple[tuple[Assignment, ...], tuple[str, ...]]:
    assignments: list[Assignment] = []
    warnings: list[str] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.partition("\0")[0].strip(_BLANK)
        if not line or line[0] in "#;":
            continue
        assignment = _assignment(path, number, line, old)
        if assignment is None:
            warnings.append(f"{path}:{number}: procps skips this line")
        else:
            assignments.append(assignment)
    return tuple(assignments), tuple(warnings)


def _assignment(path: str, number: int, line: str, old: bool) -> Assignment | None:
    key, equals, value = line.partition("=")
    key = key.rstrip(_BLANK)
    ignore = key.startswith("-")
    if not equals:
        return None if old or not ignore else Assignment(_path(key[1:]), None, Origin(path, number, ""), True)
    key = key[1:] if ignore else key
    key = key[1:] if key.startswith("-") and not old else key
    text = value.strip(_BLANK)
    if not key or len(key) > LONGEST_KEY or key[0] in _BLANK or (old and not text):
        return None
    # a trailing slash asks for a directory, the kernel has a file there: ENOTDIR
    if _path(key).endswith("/"):
        return None
    return Assignment(_path(key), text, Origin(path, number, text), ignore)


def _path(key: str) -> str:
    """Return the key's path: swapped after a dot, but neither `//` nor `..` simplified, as procps leaves them."""
    first = next((c for c in key if c in "/."), "")
    return key.translate({46: 47, 47: 46}) if first == "." else key


def _reachable(host: Host, path: str) -> bool:
    """Say whether the kernel can walk the path: what stands before a `..` must exist, path_resolution(7)."""
    parts = path.split("/")
    before = ["/".join(parts[:at]) for at, part in enumerate(parts) if part == ".."]
    # an image has no /proc/sys to walk: nothing is held against the line then
    return not before or not host.glob("/proc/sys/*") or all(host.glob(f"/proc/sys/{prefix}") for prefix in before)


def _place(path: str) -> str:
    """Return the file that a path names below /proc/sys."""
    done: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del done[-1:]
        elif part not in ("", "."):
            done.append(part)
    return "/".join(done)
