"""The verbs for a host that stalls, or carries a load: why, what happens now, what happened."""

from __future__ import annotations

from typing import Annotated

import typer

from hosttune.cli._app import aim_of, app
from hosttune.options import (
    Backends,
    Format,
    FromConfig,
    ModeText,
    Netns,
    Pid,
    ProcessName,
    ProfileFile,
    Rate,
    Roles,
    Service,
    Snapshot,
    Sources,
    StalledAt,
    Verbose,
)


@app.command()
def diagnose(
    pid: Pid = None,
    service: Service = "",
    process_name: ProcessName = "",
    role: Roles = None,
    profile: ProfileFile = None,
    backend: Backends = None,
    backends_from: FromConfig = "",
    source: Sources = None,
    bind_mode: ModeText = "",
    rate: Rate = None,
    interval: Annotated[str, typer.Option("--for", help="Time to watch the counters: 10s, 1m.", metavar="TIME")] = "",
    errno: Annotated[str, typer.Option(help="What the program met: EADDRNOTAVAIL, ...; none: no error.")] = "",
    call: Annotated[str, typer.Option(help="The call that failed: connect, bind, accept, socket, ...")] = "",
    stalled_at: StalledAt = None,
    log: Annotated[list[str] | None, typer.Option("--log", help="A log of the program; repeatable.")] = None,
    netns: Netns = "",
    snapshot: Snapshot = "",
    format: Format = "table",
    verbose: Verbose = False,
) -> None:
    """Say why this host stalls, with the evidence; or what is excluded, and what to read next.

    Exit: 0 nothing binds and nothing was said, 1 the cause was found (or that no host limit is it), 2 wrong use,
    3 not enough evidence.
    """
    given = dict(locals())
    aim = aim_of(given)
    from hosttune.commands import diagnose

    names = ("interval", "errno", "call", "stalled_at", "netns", "snapshot", "format", "verbose")
    options = {name: given[name] for name in names}
    raise typer.Exit(diagnose.run(diagnose.Asked(aim, **options, log=tuple(log or ()))))
