"""A host as it will be once changes are made: what `check` would say then can be asked before the first write."""

from __future__ import annotations

import errno
import fnmatch
import os
import re
from collections.abc import Iterable
from typing import Any

from hosttune.changes import backends
from hosttune.changes.backends import sysctl
from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Change, FileState, Reason, State

_OPEN_FILES = re.compile(r"^(Max open files).*$", re.MULTILINE)


class Planned:
    """The answers of `inner`, but files and sysctls hold what the changes give them; nothing is written."""

    def __init__(self, inner: Host, changes: Iterable[Change] = ()) -> None:
        self._inner = inner
        self._states: dict[tuple[str, str], State] = {c.key: c.after for c in changes}
        self._files: dict[str, FileState | None] = {}
        self._limits = {
            f"/proc/{target.partition(':')[0]}/limits": state
            for (backend, target), state in self._states.items()
            if backend == "prlimit" and isinstance(state, str)
        }
        for (backend, target), state in self._states.items():
            if backend == "file":
                self._files[target] = state if isinstance(state, FileState) else None
            elif backend == "sysctl":
                self._files[sysctl.path_of(target)] = FileState(f"{state}\n")

    def with_(self, changes: Iterable[Change]) -> Planned:
        """Return the host with more changes made."""
        made = [Change(b, t, None, state) for (b, t), state in self._states.items()]
        return Planned(self._inner, [*made, *changes])

    def current(self, backend: str, target: str) -> State:
        """Return the state of a target as planned, else as it is; raises HostError."""
        if (backend, target) in self._states:
            return self._states[backend, target]
        return backends.read(self._inner, backend, target)

    def states(self, backend: str) -> dict[str, State]:
        """Return the states that are planned of a backend, by target."""
        return {target: state for (name, target), state in self._states.items() if name == backend}

    @property
    def still(self) -> object | None:
        """Return that of `inner`: what is derived in its name is of files that no change concerns (unit files)."""
        return getattr(self._inner, "still", None)

    def read(self, path: str) -> str:
        if self._states.get(("directory", path)):
            raise HostError(Reason.UNREADABLE, f"{path}: {os.strerror(errno.EISDIR)}")
        if path in self._limits:
            # proc_pid_limits(5): name, soft, hard, unit
            return _OPEN_FILES.sub(rf"\1 {self._limits[path]} files", self._inner.read(path))
        if path not in self._files:
            return self._inner.read(path)
        state = self._files[path]
        if state is None:
            raise HostError(Reason.ABSENT, path)
        return state.text

    def glob(self, pattern: str) -> list[str]:
        gone = {t for (b, t), state in self._states.items() if b in ("file", "directory") and state is None}
        paths = {p for p in self._inner.glob(pattern) if p not in gone}
        paths.update(p for p, state in self._files.items() if state is not None and _matches(p, pattern))
        paths.update(t for (b, t), state in self._states.items() if b == "directory" and state and _matches(t, pattern))
        return sorted(paths)

    def probe(self, name: str, **args: Any) -> Any:
        return self._inner.probe(name, **args)

    def state(self, path: str) -> FileState | None:
        return self._files[path] if path in self._files else self._inner.state(path)

    def link(self, path: str) -> str:
        return "" if path in self._files else self._inner.link(path)


def _matches(path: str, pattern: str) -> bool:
    names, parts = path.split("/"), pattern.split("/")
    return len(names) == len(parts) and all(
        fnmatch.fnmatchcase(name, part) and (name[:1] != "." or part[:1] == ".")
        for name, part in zip(names, parts, strict=True)
    )
