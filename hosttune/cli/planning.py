"""The verbs for more than one host: how many connections a topology handles, and what its hosts need."""

from __future__ import annotations

from typing import Annotated

import typer

from hosttune.cli.application import app
from hosttune.cli.options import DirectoryOption, FileOption, Verbose, formats_of
from hosttune.commands import completing
from hosttune.profile import built_in


@app.command()
def plan(
    topology: Annotated[
        str,
        typer.Argument(
            help=f"A topology file, or a built-in one: {', '.join(built_in.topologies())}.",
            metavar="[TOPOLOGY]",
            autocompletion=completing.topologies,
        ),
    ] = "",
    set: Annotated[
        list[str] | None,
        typer.Option("--set", help="Another value: lb.sources=1, connections=2M; ? = solve for it.", metavar="K=V"),
    ] = None,
    solve: Annotated[bool, typer.Option("--solve", help='Find the least that reaches the target for "?".')] = False,
    emit: Annotated[str, DirectoryOption("--emit", help="Write ready configurations into DIR.")] = "",
    reports: Annotated[
        str, DirectoryOption("--reports", help="Compare host reports in DIR (JSON) with the plan.")
    ] = "",
    svg: Annotated[str, FileOption("--svg", help="Write the picture to FILE too.")] = "",
    example: Annotated[bool, typer.Option("--example", help="Print an example topology.")] = False,
    format: Annotated[str, formats_of("Sizing")] = "table",
    verbose: Verbose = False,
) -> None:
    """Size a topology of clients, balancers and brokers.

    How many connections it handles, what limits it first, and what each host needs. hosttune-topology(5) describes the
    format.
    """
    from hosttune.commands import plan

    if example:
        raise typer.Exit(plan.example(topology))
    raise typer.Exit(plan.run(topology, set or [], solve, emit, reports, svg, format, verbose))
