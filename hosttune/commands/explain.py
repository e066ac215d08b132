"""Say what a key is and which role wants what of it."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune import api
from hosttune.render.view import explanation
from hosttune.terminal import streams


def run(key: str, files: Sequence[str]) -> None:
    """Print it; raises UsageError where no profile tells of the key."""
    for found in api.explain(key, profile=files):
        streams.put(explanation.explained(found))
