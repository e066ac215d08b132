"""That a profile file holds to its schema, and what is to be known of it."""

from __future__ import annotations

from hosttune.model import ValidProfile
from hosttune.model.document import Document, paragraphs

SCHEMA = "hosttune/valid-profile/1"


def document(found: ValidProfile, verbose: bool) -> Document:
    """Return it."""
    first = f"{found.file}: right, {found.rows} rows with those it extends"
    return Document(found.file, (first,), paragraphs(f"{found.file}: {note}" for note in found.notes))
