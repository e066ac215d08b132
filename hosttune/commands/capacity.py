"""At how many connections will this host stall, on what, and what would carry more: the bounds alone."""

from __future__ import annotations

from dataclasses import dataclass

from hosttune import api, registry
from hosttune.options import Options, Place
from hosttune.render import exit_codes
from hosttune.render.view import capacity
from hosttune.render.view import svg as svg_view
from hosttune.terminal import presenting, streams
from hosttune.workflows import opening


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune capacity`, as given; `svg` is the file that a picture goes to, "" for none."""

    options: Options
    place: Place
    format: str
    svg: str
    verbose: bool


def run(asked: Asked) -> int:
    """Print the bounds and return the exit code: 0 where the workload is carried, 1 where it is not."""
    opening.check_format(asked.format, ("table", "json", "markdown"))
    report = api.capacity(asked.options, asked.place, command=presenting.command())
    if asked.svg:
        streams.to_file("--svg", asked.svg, svg_view.render(report))
    # check shows the bounds that bind; here there is room for all
    formatted = registry.load("hosttune.render.formats", asked.format)
    presenting.present(report, capacity if asked.format == "table" else formatted, asked.verbose)
    return exit_codes.capacity(report)
