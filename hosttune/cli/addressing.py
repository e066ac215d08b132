"""The verbs for source addresses: how many, which are free, add them, remove them."""

from __future__ import annotations

from typing import Annotated

import typer

from hosttune.cli.application import Verbs, app
from hosttune.cli.groups import Fields
from hosttune.cli.options import Image, LoadOptions, NetnsOrSnapshot, formats_of
from hosttune.options import Dialogue, SourceOptions

sources = Verbs(help="List, add and remove source addresses.")
app.add_typer(sources, name="sources")

_ADDED = Fields("addresses", "anyip", "runtime_only", "persist_only", "confirm_within", "confirm_if", "reason")
_FORCE = Annotated[bool, typer.Option("--force", help="Remove them though connections are open on them.")]


@sources.command("plan")
def sources_plan(
    options: LoadOptions,
    place: NetnsOrSnapshot,
    interface: Annotated[
        str, typer.Option(help="Only backends that are reached through this interface.", metavar="NAME")
    ] = "",
    headroom: Annotated[str, typer.Option(help="Share of the ports to keep free: 0.2 or 20%.", metavar="SHARE")] = "0",
    format: Annotated[str, formats_of("SourcePlan")] = "table",
) -> None:
    """Show how many source addresses are needed, which are free, and the command that adds them.

    Nothing is sent.
    """
    from hosttune.commands import sources

    raise typer.Exit(sources.plan(options, place, interface, headroom, format))


@sources.command("add")
def sources_add(how: Annotated[SourceOptions, _ADDED], place: Image, dialogue: Dialogue) -> None:
    """Add source addresses to an interface, now and for the next boot.

    Addresses that another host answers for are refused.
    """
    from hosttune.commands import sources

    raise typer.Exit(sources.change(how, place, dialogue, remove=False))


@sources.command("remove")
def sources_remove(how: Annotated[SourceOptions, Fields(force=_FORCE)], place: Image, dialogue: Dialogue) -> None:
    """Remove source addresses, now and from what hosttune keeps on disk.

    `hosttune rollback` brings them back.
    """
    from hosttune.commands import sources

    raise typer.Exit(sources.change(how, place, dialogue, remove=True))
