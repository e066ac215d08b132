"""The verbs for source addresses: how many, which are free, add them, remove them."""

from __future__ import annotations

from typing import Annotated

import typer

from hosttune.cli.application import Verbs, app
from hosttune.cli.groups import Fields
from hosttune.cli.options import (
    ConfirmIf,
    ConfirmWithin,
    Format,
    Netns,
    Reason,
    Root,
    Snapshot,
    formats_of,
)
from hosttune.options import Options

sources = Verbs(no_args_is_help=True, help="Source addresses: how many it takes, which are free; add, remove.")
app.add_typer(sources, name="sources")

Anyip = Annotated[
    list[str] | None,
    typer.Option("--anyip", help="A prefix whose every address is this host's own; repeatable.", metavar="PREFIX"),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; exit 4 if anything.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
RuntimeOnly = Annotated[bool, typer.Option("--runtime-only", help="Write nothing that survives a boot.")]
PersistOnly = Annotated[bool, typer.Option("--persist-only", help="Write files only, for the next boot.")]


@sources.command("plan")
def sources_plan(
    options: Annotated[
        Options,
        Fields(
            "role",
            "profile",
            "connections",
            "rate",
            "hold",
            "backend",
            "backends_from",
            "source",
            "bind_mode",
        ),
    ],
    interface: Annotated[str, typer.Option(help="Only what goes out there.", metavar="NAME")] = "",
    headroom: Annotated[str, typer.Option(help="Share of the ports to keep free: 0.2 or 20%.", metavar="SHARE")] = "0",
    netns: Netns = "",
    snapshot: Snapshot = "",
    format: Annotated[str, formats_of("SourcePlan")] = "table",
) -> None:
    """Say how many source addresses it takes, which are free, and the command that adds them; nothing is sent.

    Exit: 0 those of now carry it, 1 they do not, 2 wrong use.
    """
    from hosttune.commands import sources_plan

    raise typer.Exit(sources_plan.run(sources_plan.Asked(options, interface, headroom, netns, snapshot, format)))


@sources.command("add")
def sources_add(
    addresses: Annotated[list[str] | None, typer.Argument(metavar="[FIRST[-LAST][/PREFIX][@INTERFACE]]...")] = None,
    anyip: Anyip = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    runtime_only: RuntimeOnly = False,
    persist_only: PersistOnly = False,
    confirm_within: ConfirmWithin = None,
    confirm_if: ConfirmIf = None,
    reason: Reason = None,
    root: Root = "/",
    format: Format = "table",
) -> None:
    """Give an interface source addresses, now and after the next boot; those that somebody has are refused.

    Exit: 0 done, or nothing to do; 1 a write failed and all is as before; 2 wrong use; 4 changes wanted (--dry-run);
    5 refused before the first write.
    """
    from hosttune.commands import sources_change as change

    asked = change.Asked(
        remove=False,
        targets=addresses or [],
        anyip=anyip or [],
        dry_run=dry_run,
        yes=yes,
        force=False,
        runtime_only=runtime_only,
        persist_only=persist_only,
        root=root,
        format=format,
        reason=reason or "",
        confirm_within=confirm_within or "",
        confirm_if=confirm_if or "",
    )
    raise typer.Exit(change.run(asked))


@sources.command("remove")
def sources_remove(
    addresses: Annotated[list[str] | None, typer.Argument(metavar="[FIRST[-LAST][/PREFIX][@INTERFACE]]...")] = None,
    anyip: Anyip = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    force: Annotated[bool, typer.Option("--force", help="Though connections are open on them.")] = False,
    runtime_only: RuntimeOnly = False,
    persist_only: PersistOnly = False,
    confirm_within: ConfirmWithin = None,
    confirm_if: ConfirmIf = None,
    reason: Reason = None,
    root: Root = "/",
    format: Format = "table",
) -> None:
    """Take source addresses away, now and from what hosttune keeps on disk; `hosttune rollback` brings them back.

    Exit: as `hosttune sources add`.
    """
    from hosttune.commands import sources_change as change

    asked = change.Asked(
        remove=True,
        targets=addresses or [],
        anyip=anyip or [],
        dry_run=dry_run,
        yes=yes,
        force=force,
        runtime_only=runtime_only,
        persist_only=persist_only,
        root=root,
        format=format,
        reason=reason or "",
        confirm_within=confirm_within or "",
        confirm_if=confirm_if or "",
    )
    raise typer.Exit(change.run(asked))
