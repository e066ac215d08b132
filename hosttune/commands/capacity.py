"""At how many connections will this host stall, on what, and what would carry more: the bounds alone."""

from __future__ import annotations

from dataclasses import dataclass

from hosttune import api, render
from hosttune.model import Capacity
from hosttune.options import Options, Place
from hosttune.render import exit_codes
from hosttune.terminal import presenting, streams


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
    render.check_format(Capacity, asked.format)
    report = api.capacity(asked.options, asked.place, command=presenting.command())
    if asked.svg:
        streams.to_file("--svg", asked.svg, render.render(Capacity(report), "svg"))
    presenting.present(Capacity(report), asked.format, asked.verbose)
    return exit_codes.capacity(report)
