"""Say what a key is and which role wants what of it."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune import api
from hosttune.terminal import presenting


def run(key: str, files: Sequence[str]) -> None:
    """Print it; raises UsageError where no profile tells of the key."""
    for explanation in api.explain(key, profile=files):
        presenting.present(explanation, "table")
