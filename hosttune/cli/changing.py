"""The verbs that change a host, take it back, and list what was done."""

from __future__ import annotations

from typing import Annotated

import typer

from hosttune.cli.application import app
from hosttune.cli.options import (
    ConfirmIf,
    ConfirmWithin,
    Format,
    Reason,
    Root,
    Snapshot,
)
from hosttune.commands import completing
from hosttune.options import Options
from hosttune.terminal import usage


@app.command()
def apply(
    options: Options,
    netns: Annotated[
        str, typer.Option(help="Write the running values of this network namespace (ip netns).", metavar="NAME")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; exit 4 if anything.")] = False,
    script: Annotated[bool, typer.Option("--script", help="Print a shell script that does the same instead.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    only: Annotated[
        str | None,
        typer.Option(
            callback=usage.some,
            help="Kinds to write, such as sysctl,units; default: all.",
            metavar="KINDS",
            autocompletion=completing.written,
        ),
    ] = None,
    leave: Annotated[
        list[str] | None,
        typer.Option(
            "--except", help="A key to leave alone; repeatable.", metavar="KEY", autocompletion=completing.sysctls
        ),
    ] = None,
    runtime_only: Annotated[bool, typer.Option("--runtime-only", help="Write nothing that survives a boot.")] = False,
    persist_only: Annotated[bool, typer.Option("--persist-only", help="Write files only, for the next boot.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Raise the limits of running processes too.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Restart the services whose limits changed.")] = False,
    reserve_listeners: Annotated[
        bool, typer.Option("--reserve-listeners", help="Reserve the ports that services listen on.")
    ] = False,
    confirm_within: ConfirmWithin = None,
    confirm_if: ConfirmIf = None,
    add_address: Annotated[
        list[str] | None,
        typer.Option(
            "--add-address",
            help="Source addresses to add: FIRST[-LAST]/PREFIX@INTERFACE; repeatable.",
            metavar="ADDRESSES",
        ),
    ] = None,
    allow_key: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-key",
            help="A sysctl to take from a profile though it does not concern connections; repeatable.",
            metavar="KEY",
            autocompletion=completing.sysctls,
        ),
    ] = None,
    reason: Reason = None,
    root: Root = "/",
    snapshot: Snapshot = "",
    format: Format = "table",
) -> None:
    """Make this host ready for its role, now and after the next boot, in one transaction that can be taken back.

    Exit: 0 done, or nothing to do; 1 a write failed and all is as before, or a value does not hold; 2 wrong use;
    4 changes wanted (--dry-run); 5 refused before the first write.
    """
    from hosttune.commands import apply

    asked = apply.Asked(
        options=options,
        dry_run=dry_run,
        script=script,
        yes=yes,
        only=only or "",
        leave=leave,
        runtime_only=runtime_only,
        persist_only=persist_only,
        live=live,
        restart=restart,
        reserve_listeners=reserve_listeners,
        add_address=add_address,
        root=root,
        snapshot=snapshot,
        format=format,
        allow_key=allow_key,
        netns=netns,
        reason=reason or "",
        confirm_within=confirm_within or "",
        confirm_if=confirm_if or "",
    )
    raise typer.Exit(apply.run(asked))


@app.command()
def confirm(
    id: Annotated[
        int | None,
        typer.Argument(
            parser=usage.counted(10**9), help="The apply to keep; default: the one that waits.", metavar="[ID]"
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written; exit 4 if it waits.")] = False,
    format: Format = "table",
) -> None:
    """Keep an apply that was made with --confirm-within: write what waits, and end its timer.

    Exit: 0 done, or confirmed before; 1 a write failed, and it can be confirmed again; 2 wrong use; 4 it waits
    (--dry-run); 5 refused: nothing waits, it is too late, or a file was changed since.
    """
    from hosttune.commands import confirm

    raise typer.Exit(confirm.run(confirm.Asked(id, dry_run, format)))


@app.command()
def rollback(
    id: Annotated[
        int | None,
        typer.Argument(parser=usage.counted(10**9), help="The apply to take back; default: the last.", metavar="[ID]"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; exit 4 if anything.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also what somebody else has changed since.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Restart the services whose limits change.")] = False,
    reason: Reason = None,
    root: Root = "/",
    format: Format = "table",
) -> None:
    """Take an apply back: every file to the byte, every value; what other applies want stays.

    Exit: 0 done, or nothing to do; 1 something stays, and is named; 2 wrong use; 4 changes wanted (--dry-run);
    5 refused before the first write.
    """
    from hosttune.commands import rollback

    raise typer.Exit(rollback.run(rollback.Asked(id, dry_run, yes, force, restart, root, format, reason or "")))


@app.command()
def history(
    root: Root = "/",
    format: Format = "table",
) -> None:
    """List the applies of this host, and which are in force."""
    from hosttune.commands import history

    history.run(root, format)
