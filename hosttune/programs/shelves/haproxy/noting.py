"""What a reader is told of lines that were passed over: the first of each kind by file and line, the rest counted."""

from __future__ import annotations

_NAMED = 10


class Notes:
    """Notes in the order of the files; lines that are alike are named up to ten times, then counted."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._alike: dict[str, int] = {}

    def add(self, where: str, text: str, kind: str = "") -> None:
        """Note a text at file:line; those of one `kind` are alike, each text is a kind of its own without."""
        kind = kind or text
        count = self._alike.get(kind, 0) + 1
        self._alike[kind] = count
        if count <= _NAMED:
            self._lines.append(f"{where}: {text}" if where else text)

    def all(self) -> tuple[str, ...]:
        """Return every note once."""
        more = [f"{kind}: {n - _NAMED:,} more lines" for kind, n in self._alike.items() if n > _NAMED]
        return (*dict.fromkeys(self._lines), *more)
