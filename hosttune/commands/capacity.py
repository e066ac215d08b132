"""At how many connections will this host stall, on what, and what would carry more: the bounds alone."""

from __future__ import annotations

from hosttune import api, render
from hosttune.model import Capacity
from hosttune.options import Options, Place
from hosttune.render import exit_codes
from hosttune.terminal import presenting, streams


def run(options: Options, place: Place, format: str, svg: str, verbose: bool) -> int:
    """Print the bounds, draw them into a file where one is named, and return the exit code."""
    render.check_format("Capacity", format)
    report = api.capacity(options, place, command=presenting.command())
    if svg:
        streams.to_file("--svg", svg, render.render(Capacity(report), "svg"))
    presenting.present(Capacity(report), format, verbose)
    return exit_codes.capacity(report)
