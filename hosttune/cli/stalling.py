"""The verbs for a host that stalls, or has a load: why, what happens now, what happened."""

from __future__ import annotations

from typing import Annotated

import typer

from hosttune.cli.application import app
from hosttune.cli.groups import Fields
from hosttune.cli.options import (
    FileOption,
    Interval,
    TextFile,
    Verbose,
    WatchInterval,
    formats_of,
)
from hosttune.commands import completing
from hosttune.options import Options, Place, Stall, Watching


@app.command()
def diagnose(
    options: Annotated[
        Options,
        Fields(
            "pid",
            "service",
            "process_name",
            "container",
            "role",
            "profile",
            "backend",
            "backends_from",
            "source",
            "bind_mode",
            "mark",
            "device",
            "rate",
        ),
    ],
    stall: Stall,
    place: Annotated[Place, Fields("netns", "snapshot")],
    interval: Interval = 0.0,
    format: Annotated[str, formats_of("Diagnosis")] = "table",
    verbose: Verbose = False,
) -> None:
    """Find out why this host stalls.

    The cause, its evidence and the fix; or what is ruled out, and where to look next. Run it while it stalls, as root
    to see everything; name a program that runs in a container or network namespace of its own.
    """
    from hosttune.commands import diagnose

    raise typer.Exit(diagnose.run(options, stall, place, interval, format, verbose))


@app.command()
def watch(
    options: Annotated[
        Options,
        Fields(
            "pid",
            "service",
            "process_name",
            "container",
            "backend",
            "backends_from",
            "source",
            "bind_mode",
            "mark",
            "device",
        ),
    ],
    watching: Annotated[Watching, Fields(interval=WatchInterval)],
    place: Annotated[Place, Fields("netns")],
    once: Annotated[bool, typer.Option("--once", help="Print one look after an interval, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each look.")] = False,
    format: Annotated[str, formats_of("View")] = "table",
    textfile: TextFile = "",
) -> None:
    """Watch the nearest limits live.

    How full each is, how fast it fills, and when it will be full: a live screen, or lines where there is no terminal.
    Keys: q or Ctrl-C quits, s or 1-4 sorts.
    """
    from hosttune.commands import watch

    raise typer.Exit(watch.run(options, watching, place, once, "json" if as_json else format, textfile))


@app.command()
def report(
    file: Annotated[
        str, typer.Argument(help="What `watch --record` wrote.", metavar="FILE", autocompletion=completing.files)
    ],
    markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown; the default.")] = False,
    svg: Annotated[bool, typer.Option("--svg", help="As a picture: charts over time.")] = False,
    format: Annotated[str, formats_of("Account")] = "markdown",
    output: Annotated[str, FileOption("-o", "--output", help="Write it to a file.")] = "",
) -> None:
    """Turn a watch recording into a report: charts, maxima, limits."""
    from hosttune.commands import report

    raise typer.Exit(report.run(file, "svg" if svg else "markdown" if markdown else format, markdown and svg, output))
