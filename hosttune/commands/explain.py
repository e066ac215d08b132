"""Say what a key is and which role wants what of it."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune import api, render
from hosttune.model import Explained
from hosttune.terminal import presenting


def run(key: str, files: Sequence[str], format: str) -> None:
    """Print it; raises UsageError where no profile describes the key."""
    render.check_format(Explained, format)
    presenting.present(Explained(api.explain(key, profile=files)), format)
