"""The verbs for source addresses: how many, which are free, add them, remove them."""

from __future__ import annotations

from typing import Annotated

import typer

from hosttune.cli.application import Verbs, app
from hosttune.cli.groups import Fields
from hosttune.cli.options import Image, LoadOptions, NetnsOrSnapshot, formats_of
from hosttune.options import Dialogue, SourceOptions

sources = Verbs(no_args_is_help=True, help="Source addresses: how many it takes, which are free; add, remove.")
app.add_typer(sources, name="sources")

_ADDED = Fields("addresses", "anyip", "runtime_only", "persist_only", "confirm_within", "confirm_if", "reason")
_FORCE = Annotated[bool, typer.Option("--force", help="Though connections are open on them.")]


@sources.command("plan")
def sources_plan(
    options: LoadOptions,
    place: NetnsOrSnapshot,
    interface: Annotated[str, typer.Option(help="Only what goes out there.", metavar="NAME")] = "",
    headroom: Annotated[str, typer.Option(help="Share of the ports to keep free: 0.2 or 20%.", metavar="SHARE")] = "0",
    format: Annotated[str, formats_of("SourcePlan")] = "table",
) -> None:
    """Say how many source addresses it takes, which are free, and the command that adds them; nothing is sent.

    Exit: 0 those of now carry it, 1 they do not, 2 wrong use.
    """
    from hosttune.commands import sources

    raise typer.Exit(sources.plan(options, place, interface, headroom, format))


@sources.command("add")
def sources_add(how: Annotated[SourceOptions, _ADDED], place: Image, dialogue: Dialogue) -> None:
    """Give an interface source addresses, now and after the next boot; those that somebody has are refused.

    Exit: 0 done, or nothing to do; 1 a write failed and all is as before; 2 wrong use; 4 changes wanted (--dry-run);
    5 refused before the first write.
    """
    from hosttune.commands import sources

    raise typer.Exit(sources.change(how, place, dialogue, remove=False))


@sources.command("remove")
def sources_remove(how: Annotated[SourceOptions, Fields(force=_FORCE)], place: Image, dialogue: Dialogue) -> None:
    """Take source addresses away, now and from what hosttune keeps on disk; `hosttune rollback` brings them back.

    Exit: as `hosttune sources add`.
    """
    from hosttune.commands import sources

    raise typer.Exit(sources.change(how, place, dialogue, remove=True))
