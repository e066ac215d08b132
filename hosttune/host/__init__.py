"""The host seam: everything that is asked of a machine goes through these four questions."""

from __future__ import annotations

from typing import Any, Protocol


class Host(Protocol):
    """A machine, live, rooted elsewhere, or recorded.

    Paths are absolute, as the examined host would name them. `read` returns text decoded as UTF-8 with
    surrogateescape (so NUL, CR and odd bytes survive), raises HostError. `glob` returns the sorted paths that match
    (`*`, `?`, `[...]` per component, names that begin with a dot only where the pattern says so), links that
    dangle included; it never raises. `probe` runs host/probes/<name>.py: plain JSON-able answers.
    """

    def read(self, path: str) -> str: ...

    def glob(self, pattern: str) -> list[str]: ...

    def probe(self, name: str, **args: Any) -> Any: ...

    def write(self, path: str, text: str) -> None: ...
