"""List the applies of a host."""

from __future__ import annotations

from hosttune import api, render
from hosttune.options import Place
from hosttune.terminal import presenting


def run(place: Place, format: str) -> None:
    """Print each with the command that takes it back, oldest first."""
    render.check_format("History", format)
    presenting.present(api.history(place), format)
