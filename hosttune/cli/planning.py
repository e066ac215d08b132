"""The verbs for more than one host: what a topology carries, and what its hosts need."""

from __future__ import annotations

from typing import Annotated

import typer

from hosttune.cli.application import app
from hosttune.cli.options import DirectoryOption, FileOption, Verbose, formats_of
from hosttune.commands import completing


@app.command()
def plan(
    topology: Annotated[
        str,
        typer.Argument(
            help="A topology file, or one that ships.", metavar="[TOPOLOGY]", autocompletion=completing.topologies
        ),
    ] = "",
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Another value: lb.sources=1, connections=2000000; ? is to be found.", metavar="K=V"
        ),
    ] = None,
    solve: Annotated[bool, typer.Option("--solve", help='Find the smallest numbers where the file has "?".')] = False,
    emit: Annotated[str, DirectoryOption("--emit", help="Write ready configurations into DIR.")] = "",
    reports: Annotated[str, DirectoryOption("--reports", help="Hold the JSON reports of DIR against the plan.")] = "",
    svg: Annotated[str, FileOption("--svg", help="Write the picture to FILE too.")] = "",
    example: Annotated[bool, typer.Option("--example", help="Print a topology that ships, to begin with.")] = False,
    format: Annotated[str, formats_of("Sizing")] = "table",
    verbose: Verbose = False,
) -> None:
    """Say what a topology carries, where it stalls first, and what each host needs; from clients to brokers.

    Exit: 0 the target is carried (with --reports: and every host is ready), 1 it is not, 2 wrong use or topology.
    """
    from hosttune.commands import plan

    if example:
        raise typer.Exit(plan.example(topology))
    raise typer.Exit(plan.run(topology, set or [], solve, emit, reports, svg, format, verbose))
