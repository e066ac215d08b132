"""Source addresses that came or went, or would, for a person."""

from __future__ import annotations

from typing import Any

from hosttune.model.acting import SourcesChanged
from hosttune.render.view import applied, sources
from hosttune.render.view.figures import fold

SCHEMA = "hosttune/sources/1"


def plain(changed: SourcesChanged) -> dict[str, Any]:
    """Return what goes out to programs."""
    return applied.plain(changed)


def table(changed: SourcesChanged, width: int) -> str:
    """Return the text for a terminal."""
    if changed.nothing:
        return applied.table(changed, width)
    if changed.id is None:
        return sources.changes(changed.plan, width)
    lines = [*applied.not_in_force(changed.not_in_force, width), *applied.notes(changed.notes, width)]
    for text, command in changed.routes:
        lines += [*fold(f"  {text}", width, "    "), f"    {command}"]
    lines += applied.undo(changed)
    return sources.done(changed.plan, changed.persist, width) + "".join(f"{line}\n" for line in lines)
