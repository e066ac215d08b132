"""What `sysctl --system` of procps makes of the files (src/sysctl.c of 4.0, sysctl.c of 3.3)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from hosttune.host import Host
from hosttune.model import Origin
from hosttune.resolve.bounds import LONGEST_KEY, MOST_FILES, within
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
    lines, warnings, plain = _made_of(tuple(within(((path, read(host, path, [])) for path in paths), "sysctl.d")), old)
    known = [_place(key.translate({46: 47, 47: 46})) for key in keys]
    written: dict[str, list[Assignment]] = {}
    for line in lines:
        if line.text is None or not _reachable(host, line.key):
            continue
        targets = [t for t in expand(host, line.key, known) if t not in plain] if line.glob and not old else [line.key]
        for target in targets:
            written.setdefault(display(_place(target)), []).append(line)
    values = {
        name: Resolved(all_[-1].text or "", all_[-1].origin, tuple(a.origin for a in all_[-2::-1]))
        for name, all_ in written.items()
    }
    version = ".".join(map(str, release))
    return Resolution(f"sysctl --system (procps {version})", values, warnings, lines)


@lru_cache(maxsize=4)
def _made_of(
    files: tuple[tuple[str, str], ...], old: bool
) -> tuple[tuple[Assignment, ...], tuple[str, ...], frozenset[str]]:
    """Return lines, warnings and the keys that no pattern may set."""
    parsed = [_parsed(path, text, old) for path, text in files]
    lines = tuple(line for found, _ in parsed for line in found)
    if not old:
        check_patterns(lines)
    # compared as written: `vm//x` and `/vm/x` name the same file and yet keep no glob away from it
    plain = frozenset(line.key for line in lines if not line.glob)
    return lines, tuple(warning for _, said in parsed for warning in said), plain


def parse(path: str, text: str, old: bool, warnings: list[str]) -> list[Assignment]:
    """Return the lines that name a key; `old` is 3.3, without globs, exclusions and empty values."""
    found, said = _parsed(path, text, old)
    warnings.extend(said)
    return list(found)


@lru_cache(maxsize=MOST_FILES)
def _parsed(path: str, text: str, old: bool) -> tuple[tuple[Assignment, ...], tuple[str, ...]]:
    found: list[Assignment] = []
    warnings: list[str] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.partition("\0")[0].strip(_BLANK)
        if not line or line[0] in "#;":
            continue
        one = _assignment(path, number, line, old)
        if one is None:
            warnings.append(f"{path}:{number}: procps skips this line")
        else:
            found.append(one)
    return tuple(found), tuple(warnings)


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
    return not before or not host.glob("/proc/sys/*") or all(host.glob(f"/proc/sys/{one}") for one in before)


def _place(path: str) -> str:
    """Return the file that a path names below /proc/sys."""
    done: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del done[-1:]
        elif part not in ("", "."):
            done.append(part)
    return "/".join(done)
