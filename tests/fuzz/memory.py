"""A host whose files are in memory: as fast as parsers are tried."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from hosttune.errors import HostError
from hosttune.model import FileState, Reason


class Memory:
    """Files by path; a text "-> X" is a link that is not followed, an answer of a probe is what `probes` has."""

    runs = False
    root = "/"

    def __init__(self, files: Mapping[str, str], probes: Mapping[str, Any] | None = None) -> None:
        self._files, self._probes = files, probes or {}
        self._folders = {path[:at] for path in files for at, c in enumerate(path) if c == "/" and at}

    def read(self, path: str) -> str:
        if path not in self._files:
            raise HostError(Reason.ABSENT, path)
        return self._files[path]

    def glob(self, pattern: str) -> list[str]:
        if not any(c in pattern for c in "*?["):
            return [pattern] if pattern in self._files or pattern in self._folders else []
        found = _pattern(pattern)
        return sorted(path for path in {*self._files, *self._folders} if found.fullmatch(path))

    def probe(self, name: str, **args: Any) -> Any:
        if name not in self._probes:
            raise HostError(Reason.UNDECIDED, f"no kernel answers {name}")
        return self._probes[name]

    def state(self, path: str) -> FileState | None:
        return FileState(self._files[path]) if path in self._files else None

    def link(self, path: str) -> str:
        text = self._files.get(path, "")
        return text[3:] if text.startswith("-> ") else ""


@lru_cache(4096)
def _pattern(pattern: str) -> re.Pattern[str]:
    # a component of a path at a time, as glob(7) has it
    parts = (fnmatch.translate(part).replace(".*", "[^/]*") for part in pattern.split("/"))
    return re.compile("/".join(part.removesuffix(r"\Z").removesuffix(r"\z") for part in parts), re.S)
