"""Which lines of the files of ours an apply has written: what the journal does not know is somebody else's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from hosttune.changes.record import Record, Status
from hosttune.model import FileState

Written = Mapping[str, Collection[str]] | None
"""The lines by the path of their file; None where the journal is not to be had, and every line is taken to be ours."""

_SHOWN = 60


def lines(records: Iterable[Record]) -> dict[str, frozenset[str]]:
    """Return the lines that the applies in force have left in each file, without comments."""
    by_path: dict[str, set[str]] = {}
    for record in records:
        if record.status in (Status.UNDONE, Status.ROLLED_BACK):
            continue
        for change in record.changes:
            if change.backend == "file" and isinstance(change.after, FileState):
                by_path.setdefault(change.target, set()).update(_lines(change.after.text))
    return {path: frozenset(known) for path, known in by_path.items()}


def stranger(path: str, text: str, known: Written) -> str:
    """Return the first line of a file that no apply in force has written, shortened; "" where there is none."""
    if known is None:
        return ""
    ours = known.get(path, ())
    unknown = next((line for line in _lines(text) if line not in ours), "")
    return unknown if len(unknown) <= _SHOWN else f"{unknown[:_SHOWN]}..."


def _lines(text: str) -> list[str]:
    # as all the loaders end a line, and no other way: what Python takes for an end besides would be a line of its own
    ended = text.replace("\r", "\n").replace("\0", "\n").split("\n")
    # the first line of a script begins with # too
    return [line for raw in ended if (line := raw.strip()) and (line[0] != "#" or line.startswith("#!"))]
