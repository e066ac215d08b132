"""Which sysctl files count, in which order, and what both loaders hand on: assignments and resolutions."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass, field

from hosttune.errors import HostError, RefusedError
from hosttune.host import Host
from hosttune.model import Origin, Reason
from hosttune.resolve.bounds import MOST_PATTERNS

_PLACES = ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")


@dataclass(frozen=True, slots=True)
class Assignment:
    """A line that names a key: its path below /proc/sys, its value's exact text (None: an exclusion)."""

    key: str
    text: str | None
    origin: Origin
    ignore_errors: bool = False

    @property
    def glob(self) -> bool:
        return "*" in self.key or "?" in self.key or "[" in self.key


@dataclass(frozen=True, slots=True)
class Resolved:
    """The value a loader will write, the line that gives it, and the lines that lose, last loser first."""

    text: str
    origin: Origin
    beaten: tuple[Origin, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolution:
    """All that one loader makes of the files: by dotted key."""

    loader: str
    values: dict[str, Resolved]
    warnings: tuple[str, ...] = ()
    assignments: tuple[Assignment, ...] = field(default=(), repr=False)


def surviving(host: Host, hidden: bool = False, now: bool = True, kind: str = "sysctl.d") -> list[str]:
    """Return the files that are read, in order: the first directory that has a name wins, then byte order of names.

    Anything under a name masks it: a link to nowhere, a directory. `hidden` takes names that begin with a dot too.
    Without `now` they are those that are there after a boot, when /run is empty. `kind` is the directories' name.
    """
    chosen: dict[bytes, str] = {}
    for directory in [f"{place}/{kind}" for place in _PLACES if now or place != "/run"]:
        patterns = [f"{directory}/*.conf"] + ([f"{directory}/.*conf"] if hidden else [])
        for path in (p for pattern in patterns for p in host.glob(pattern)):
            name = path.rsplit("/", 1)[1].encode("utf-8", "surrogateescape")
            if name.endswith(b".conf"):
                chosen.setdefault(name, path)
    return [chosen[name] for name in sorted(chosen)]


def read(host: Host, path: str, warnings: list[str]) -> str:
    """Return a file's text, "" with a warning where it cannot be read (it masks all the same)."""
    try:
        return host.read(path)
    except HostError as error:
        if error.reason is not Reason.ABSENT or host.glob(path):
            why = "leads nowhere" if error.reason is Reason.ABSENT else error.reason.value
            warnings.append(f"{path}: {why}; it still masks files of its name")
        return ""


def check_patterns(lines: Iterable[Assignment]) -> None:
    """Raise RefusedError where more keys are patterns than can be held against all keys."""
    patterns: set[str] = set()
    for line in lines:
        if line.glob:
            patterns.add(line.key)
            if len(patterns) > MOST_PATTERNS:
                raise RefusedError(f"{line.origin}: more than {MOST_PATTERNS} keys with `*` are set; write fewer")


def expand(host: Host, pattern: str, known: Iterable[str]) -> list[str]:
    """Return the paths below /proc/sys that match a glob key: those of the host, and `known` ones, in order."""
    paths = {path[len("/proc/sys/") :] for path in host.glob(f"/proc/sys/{pattern}")}
    parts = pattern.split("/")
    for path in known:
        names = path.split("/")
        if len(names) == len(parts) and all(fnmatch.fnmatchcase(n, p) for n, p in zip(names, parts, strict=True)):
            paths.add(path)
    return sorted(paths)
