"""The verbs for a host that stalls, or carries a load: why, what happens now, what happened."""

from __future__ import annotations

from typing import Annotated

import typer

from hosttune.cli.application import app
from hosttune.cli.groups import Fields
from hosttune.cli.options import (
    FileOption,
    Netns,
    Snapshot,
    StalledAt,
    TextFile,
    Verbose,
    formats_of,
)
from hosttune.commands import completing
from hosttune.options import Options


@app.command()
def diagnose(
    options: Annotated[
        Options,
        Fields(
            "pid",
            "service",
            "process_name",
            "role",
            "profile",
            "backend",
            "backends_from",
            "source",
            "bind_mode",
            "rate",
        ),
    ],
    interval: Annotated[str, typer.Option("--for", help="Time to watch the counters: 10s, 1m.", metavar="TIME")] = "",
    errno: Annotated[
        str, typer.Option(help="What the program met: EADDRNOTAVAIL, ...; none: no error.", metavar="NAME")
    ] = "",
    call: Annotated[
        str,
        typer.Option(
            help="The call that failed: connect, bind, accept, socket, ...",
            metavar="CALL",
            autocompletion=completing.choice("connect", "bind", "accept", "socket"),
        ),
    ] = "",
    stalled_at: StalledAt = None,
    log: Annotated[list[str] | None, FileOption("--log", help="A log of the program; repeatable.")] = None,
    netns: Netns = "",
    snapshot: Snapshot = "",
    format: Annotated[str, formats_of("Diagnosis")] = "table",
    verbose: Verbose = False,
) -> None:
    """Say why this host stalls, with the evidence; or what is excluded, and what to read next.

    Exit: 0 nothing binds and nothing was said, 1 the cause was found (or that no host limit is it), 2 wrong use,
    3 not enough evidence.
    """
    from hosttune.commands import diagnose

    asked = diagnose.Asked(
        options=options,
        interval=interval,
        errno=errno,
        call=call,
        stalled_at=stalled_at,
        netns=netns,
        snapshot=snapshot,
        format=format,
        verbose=verbose,
        log=tuple(log or ()),
    )
    raise typer.Exit(diagnose.run(asked))


@app.command()
def watch(
    options: Annotated[
        Options,
        Fields(
            "pid",
            "service",
            "process_name",
            "backend",
            "backends_from",
            "source",
            "bind_mode",
        ),
    ],
    interval: Annotated[str, typer.Option("--interval", help="Time between two looks.", metavar="TIME")] = "1s",
    length: Annotated[str, typer.Option("--for", help="Stop after this time: 10s, 1m, 2h.", metavar="TIME")] = "",
    once: Annotated[bool, typer.Option("--once", help="Print one look, an interval from now, and leave.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each look.")] = False,
    format: Annotated[str, formats_of("View")] = "table",
    textfile: TextFile = "",
    sort: Annotated[
        str,
        typer.Option(
            help="nearness, rate (full first), use or name.",
            metavar="KEY",
            autocompletion=completing.choice("nearness", "rate", "use", "name"),
        ),
    ] = "nearness",
    record: Annotated[str, FileOption("--record", help="Keep every look in FILE, for `report`.")] = "",
    max_size: Annotated[
        str, typer.Option("--max-size", help="Bound of the record; at it, its past is thinned out.", metavar="SIZE")
    ] = "64M",
    netns: Netns = "",
) -> None:
    """Show what comes nearest to its limit, how fast, and when it is full; a live screen, or lines without a terminal.

    Keys: q quits, s or 1-4 sorts. Exit: 0 it was ended, 2 wrong use or the record cannot be written.
    """
    from hosttune.commands import watch

    raise typer.Exit(
        watch.run(
            watch.Asked(
                options, interval, length, once, "json" if as_json else format, sort, record, max_size, netns, textfile
            )
        )
    )


@app.command()
def report(
    file: Annotated[
        str, typer.Argument(help="What `watch --record` wrote.", metavar="FILE", autocompletion=completing.files)
    ],
    markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown; the default.")] = False,
    svg: Annotated[bool, typer.Option("--svg", help="As a picture: charts over time.")] = False,
    output: Annotated[str, FileOption("-o", "--output", help="Write it to a file.")] = "",
) -> None:
    """Make of a recorded run what a white paper shows: each figure over time, its maximum, and where its bound lay.

    Exit: 0, or 2 where FILE is no record.
    """
    from hosttune.commands import report

    raise typer.Exit(report.run(file, markdown, svg, output))
