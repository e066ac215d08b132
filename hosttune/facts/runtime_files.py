"""The files of container runtimes: whoever wrote them, each is bounded, and all of them together are."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hosttune.errors import HostError, RefusedError
from hosttune.facts.group_names import groups_of
from hosttune.host import Host, json_bounds, text
from hosttune.model import Origin
from hosttune.printable import clean
from hosttune.resolve import toml_bounds

LARGEST = 1 << 20
"""Characters of one file: a config.json has some 20 thousand."""
LARGEST_ALL = 20 << 20
"""Characters of all that one look at the containers of a host reads; those of 1,000 have about that."""
MOST = 4096
"""Containers of one runtime; a kubelet has 110 pods by default."""
LONGEST = 256
"""Characters of a name, an id or an image's name: more are none."""
_PROCESSES = 100_000


@dataclass(frozen=True, slots=True)
class Document:
    """A file's path and text, and what it holds: a table of JSON or TOML."""

    path: str
    text: str
    tables: dict[str, Any]

    def at(self, *keys: str) -> Any:
        """Return what stands below some keys, None where nothing does."""
        return below(self.tables, *keys)

    def origin(self, keys: Sequence[str], value: str) -> Origin:
        """Return the line of a key: the first one of that name behind those of the tables that it stands in."""
        at = 0
        for key in keys:
            quoted = self.text.find(json.dumps(key), at)
            bare = re.compile(rf"(?<![\w.-]){re.escape(key)}\b").search(self.text, at)
            at = quoted if quoted >= 0 else bare.start() if bare else at
        return Origin(self.path, self.text.count("\n", 0, at) + 1, value)


class Files:
    """The files of one host as one look reads them; what is not there, too large or malformed is None or ""."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._left = LARGEST_ALL
        self._groups: dict[int, tuple[str, ...]] | None = None

    def text(self, path: str) -> str:
        """Return a file's text, "" where it cannot be read, or all of them together are too large."""
        try:
            content = self.host.read(path) if self._left > 0 else ""
        except (HostError, RefusedError):
            return ""
        self._left -= len(content)
        return content if self._left >= 0 and len(content) <= LARGEST else ""

    def json(self, path: str) -> Document | None:
        """Return a table of JSON."""
        content = self.text(path)
        tables = parsed(content) if content else None
        return Document(path, content, tables) if isinstance(tables, dict) else None

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Return a list of tables of JSON, at most MOST."""
        tables = parsed(self.text(path))
        return [row for row in tables[:MOST] if isinstance(row, dict)] if isinstance(tables, list) else []

    def toml(self, path: str) -> Document | None:
        """Return a file in TOML."""
        content = self.text(path)
        try:
            if not content or toml_bounds.excess(content):
                return None
            return Document(path, content, tomllib.loads(content))
        except (ValueError, RecursionError):
            return None

    def glob(self, pattern: str) -> list[str]:
        """Return at most MOST paths that match; none of a directory that has too many."""
        try:
            return self.host.glob(pattern)[:MOST]
        except RefusedError:
            return []

    def groups(self) -> dict[int, tuple[str, ...]]:
        """Return the control groups of each process, the lowest first."""
        if self._groups is None:
            paths = self.host.glob("/proc/[0-9]*/cgroup")
            pids = sorted(int(p.split("/")[2]) for p in paths if re.fullmatch("/proc/[1-9][0-9]{0,9}/cgroup", p))
            self._groups = {pid: groups_of(self.host, pid) for pid in pids[:_PROCESSES]}
        return self._groups

    def users(self) -> Iterator[tuple[int, str]]:
        """Yield id and home of each user who has a session, who alone can have processes without root."""
        homes: dict[int, str] = {}
        for line in text(self.host, "/etc/passwd").split("\n"):
            fields = line.split(":")
            if len(fields) == 7 and re.fullmatch("[0-9]{1,10}", fields[2]) and re.fullmatch("/[^*?[]*", fields[5]):
                homes.setdefault(int(fields[2]), fields[5].rstrip("/"))
        for path in self.glob("/run/user/[0-9]*"):
            user = path.rpartition("/")[2]
            if re.fullmatch("[1-9][0-9]{0,9}", user) and int(user) in homes:
                yield int(user), homes[int(user)]


def parsed(content: str) -> Any:
    """Return what JSON holds, None for what is none or too much of it."""
    try:
        return json_bounds.parse(content.encode("utf-8", "surrogateescape"))
    except ValueError:
        return None


def below(tables: Any, *keys: str) -> Any:
    """Return what stands below some keys, None where nothing does."""
    for key in keys:
        tables = tables.get(key) if isinstance(tables, dict) else None
    return tables


def word(value: Any) -> str:
    """Return a text of at most LONGEST characters, as it may be printed; "" for anything else."""
    return clean(value) if isinstance(value, str) and len(value) <= LONGEST else ""


def first_word(tables: Any, *keys: str) -> str:
    """Return the first of some keys of a table that has a text."""
    return next((text for key in keys if (text := word(below(tables, key)))), "")


def process(value: Any) -> int | None:
    """Return the number of a process, as a number or as the text of a file; None for 0 and for what is none."""
    digits = value.strip() if isinstance(value, str) else str(value) if type(value) is int else ""
    return int(digits) if re.fullmatch("[1-9][0-9]{0,9}", digits) else None
