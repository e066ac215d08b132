"""At how many connections will this host stall, on what, and what would carry more: the bounds alone."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from hosttune import render
from hosttune.model import Capacity, Report
from hosttune.options import Options
from hosttune.render.figures import hard_bounds, slow_bounds
from hosttune.terminal import streams
from hosttune.workflows import loading, opening


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune capacity`, as given; `svg` is the file that a picture goes to, "" for none."""

    options: Options
    netns: str
    root: str
    snapshot: str
    format: str
    svg: str
    verbose: bool


def run(asked: Asked) -> int:
    """Print the bounds and return the exit code: 0 where the workload is carried, 1 where it is not."""
    render.check_format(Capacity, asked.format)
    report = loading.report(asked.options, asked.root, asked.snapshot, asked.netns)
    short = _short(report)
    if not short:
        report = dataclasses.replace(report, mend=())
    if asked.svg:
        streams.to_file("--svg", asked.svg, render.render(Capacity(report), "svg"))
    opening.present(Capacity(report), asked.format, asked.verbose)
    return 1 if short else 0


def _short(report: Report) -> bool:
    bounds = hard_bounds(report)
    return bool(slow_bounds(report)) or bool(bounds and bounds[0][0] < report.workload.connections)
