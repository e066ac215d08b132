"""Say what configuration files make of every key and every login or unit, and which line decides."""

from __future__ import annotations

from collections.abc import Sequence

from hosttune import api
from hosttune.options import Place
from hosttune.render import exit_codes
from hosttune.render.formats.json import document
from hosttune.render.view import resolved
from hosttune.terminal import streams
from hosttune.workflows import opening

SCHEMA = "hosttune/resolve/1"


def run(keys: Sequence[str], users: Sequence[str], units: Sequence[str], place: Place, format: str) -> int:
    """Print the resolution; returns 1 where a key is now another than a boot will make it, else 0."""
    opening.check_format(format)
    resolution = api.resolve(keys, user=users, unit=units, place=place)
    streams.put(document(SCHEMA, resolution) if format == "json" else resolved.table(resolution))
    return exit_codes.resolve(resolution)
