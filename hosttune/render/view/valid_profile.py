"""That a profile file holds to its schema, and what is to be known of it."""

from __future__ import annotations

from hosttune.model import ValidProfile
from hosttune.model.document import Document, paragraphs

SCHEMA = "hosttune/valid-profile/1"


def document(profile: ValidProfile, verbose: bool) -> Document:
    """Return it."""
    first = f"{profile.file}: right, {profile.rows} rows with those it extends"
    return Document(profile.file, (first,), paragraphs(f"{profile.file}: {note}" for note in profile.notes))
