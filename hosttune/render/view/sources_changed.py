"""Source addresses that came or went, or would."""

from __future__ import annotations

from hosttune.model.acting import SourcesChanged
from hosttune.model.document import Commands, Document
from hosttune.render import sources
from hosttune.render.view import applied

SCHEMA = "hosttune/sources/1"
LINES = True


def document(changed: SourcesChanged, verbose: bool) -> Document:
    """Return it: why there is nothing to do, what would be done, or what was done and what peers have to know."""
    if changed.nothing:
        blocks = applied.idle(changed)
    elif changed.id is None:
        blocks = sources.changes(changed.plan)
    else:
        routes = (Commands(text.rstrip(":"), (f"  {command}",), spread=True) for text, command in changed.routes)
        done = sources.done(changed.plan, changed.persist)
        return Document("Source addresses", (), (*done, *applied.ended(changed, *routes)))
    return Document("Source addresses", (), tuple(blocks))
