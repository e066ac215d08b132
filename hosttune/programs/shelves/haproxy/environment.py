"""The environment that an haproxy.cfg is read in: that of the process, and what the file itself sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_OWN = "HAPROXY_"  # HAProxy sets those that begin so itself (configuration manual, 2.3)


class Environment:
    """Variables by name; setenv, presetenv, unsetenv and resetenv change them line by line (src/cfgparse-global.c)."""

    def __init__(self, given: Mapping[str, str], files: Sequence[str] = ()) -> None:
        self._values = {"HAPROXY_CFGFILES": ";".join(files), **given}
        self.file = self.section = ""
        self.line = 0

    def get(self, name: str) -> str | None:
        """Return a value, None where it is set nowhere; .FILE, .LINE and .SECTION are those of the line."""
        if name.startswith("."):
            return {".FILE": self.file, ".LINE": str(self.line), ".SECTION": self.section}.get(name)
        return self._values.get(name)

    def is_defined(self, name: str) -> bool | None:
        """Say whether a variable is set, None where HAProxy decides it when it starts."""
        if name in self._values:
            return True
        return None if name.startswith(_OWN) else False

    def apply(self, words: Sequence[str]) -> None:
        """Do what a line of `global` does to the environment."""
        name, *more = words
        if name in ("setenv", "presetenv") and more:
            value = more[1] if len(more) > 1 else ""
            if name == "setenv" or more[0] not in self._values:
                self._values[more[0]] = value
        elif name == "unsetenv":
            for one in more:
                self._values.pop(one, None)
        elif name == "resetenv":
            self._values = {key: value for key, value in self._values.items() if key in set(more)}
