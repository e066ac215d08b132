"""Say what configuration files make of every key and every login or unit, and which line decides."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune import api, render
from hosttune.options import Place
from hosttune.render import exit_codes
from hosttune.terminal import presenting


def run(keys: Sequence[str], users: Sequence[str], units: Sequence[str], place: Place, format: str) -> int:
    """Print the resolution; returns 1 where a key is now another than a boot will make it, else 0."""
    render.check_format("Resolution", format)
    resolution = api.resolve(keys, user=users, unit=units, place=place)
    presenting.present(resolution, format)
    return exit_codes.resolve(resolution)
