"""The verbs that change a host, undo that, and list what was done."""

from __future__ import annotations

from typing import Annotated

import typer

from hosttune.cli.application import app
from hosttune.cli.groups import Fields
from hosttune.cli.options import Image, formats_of
from hosttune.commands import completing
from hosttune.options import ApplyOptions, Dialogue, Options, Place, RollbackOptions, bounds
from hosttune.terminal import usage

_WRITTEN = typer.Option(help="Write the running values of this network namespace (ip netns).", metavar="NAME")
_EMIT = typer.Option(
    help="Print what a container lacks, for whoever makes it: docker, compose, quadlet, pod, ...",
    metavar="FORMAT[=NAME]",
    autocompletion=completing.container_formats,
)
_ID = usage.counted(*bounds(RollbackOptions, "id"))
_TAKEN_BACK = typer.Argument(
    parser=_ID,
    help="The apply to undo, its number in `hosttune history`; default: the last.",
    metavar="[ID]",
)


@app.command()
def apply(
    options: Options,
    place: Annotated[Place, Fields(netns=Annotated[str, _WRITTEN])],
    how: ApplyOptions,
    dialogue: Dialogue,
    script: Annotated[bool, typer.Option("--script", help="Print a shell script that does the same instead.")] = False,
    emit: Annotated[str, _EMIT] = "",
) -> None:
    """Apply the role's settings now and for the next boot; can be undone.

    One transaction: what undoes it is on disk before the first write, and a write that fails undoes the others.
    At a terminal it shows the changes and asks before it writes; without one, use --dry-run or --yes.
    """
    from hosttune.commands import apply

    raise typer.Exit(apply.run(options, place, how, dialogue, script, emit))


@app.command()
def confirm(
    id: Annotated[
        int | None,
        typer.Argument(
            parser=_ID,
            help="The apply to keep; default: the one that waits to be confirmed.",
            metavar="[ID]",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written; exit 4 if it waits.")] = False,
    format: Annotated[str, formats_of("Confirmed")] = "table",
) -> None:
    """Keep an apply that was made with --confirm-within.

    Its settings are written for the next boot too, and the timer that would undo it ends.
    """
    from hosttune.commands import confirm

    raise typer.Exit(confirm.run(id, dry_run, format))


@app.command()
def rollback(
    how: Annotated[RollbackOptions, Fields(id=Annotated[int | None, _TAKEN_BACK])], place: Image, dialogue: Dialogue
) -> None:
    """Undo an apply: restores files and values exactly; keeps what other applies still need."""
    from hosttune.commands import rollback

    raise typer.Exit(rollback.run(how, place, dialogue))


@app.command()
def history(place: Image, format: Annotated[str, formats_of("History")] = "table") -> None:
    """List past applies.

    With what each changed, whether it is in force, and the command that undoes it.
    """
    from hosttune.commands import history

    history.run(place, format)
