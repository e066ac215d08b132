"""The verbs that look at a host: whether it is ready, how many connections it handles, what its files set."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from hosttune.cli.application import app, profiles
from hosttune.cli.groups import Fields
from hosttune.cli.options import (
    AllNamespaces,
    Experiments,
    FailOn,
    FileOption,
    ProfileFile,
    SecondLook,
    TextFile,
    User,
    Verbose,
    formats_of,
)
from hosttune.commands import completing
from hosttune.options import Options, Place, Proving


@app.command()
def check(
    options: Options,
    place: Place,
    format: Annotated[str, formats_of("Report")] = "table",
    textfile: TextFile = "",
    fail_on: FailOn = "error",
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 where something is unknown.")] = False,
    all_namespaces: AllNamespaces = False,
    verbose: Verbose = False,
) -> None:
    """Check whether this host is ready for its role.

    The first limit, each setting that is wrong, now and after the next boot, and the command that fixes it. With
    --format nagios the exit codes are those of a plugin: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
    With --all-namespaces no role is compared: of all network namespaces of this host it names the one that is nearest
    to a limit.
    """
    from hosttune.commands import check

    run = check.node if all_namespaces else check.run
    raise typer.Exit(run(options, place, fail_on, strict, format, textfile, verbose))


@app.command()
def capacity(
    options: Options,
    place: Place,
    format: Annotated[str, formats_of("Capacity")] = "table",
    svg: Annotated[str, FileOption("--svg", help="Write the picture to FILE too.")] = "",
    verbose: Verbose = False,
) -> None:
    """Show how many connections this host can handle and what limits it.

    Every limit, how it shows when it is hit, what raises it, and what the target needs.
    """
    from hosttune.commands import capacity

    raise typer.Exit(capacity.run(options, place, format, svg, verbose))


@app.command()
def prove(
    options: Annotated[
        Options,
        Fields(
            "role",
            "profile",
            "connections",
            "rate",
            "backend",
            "backends_from",
            "source",
            "bind_mode",
        ),
    ],
    proving: Annotated[Proving, Fields(only=Experiments)],
    format: Annotated[str, formats_of("Trial")] = "table",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 where something could not be proven.")] = False,
) -> None:
    """Reproduce the limits in private network namespaces.

    Each is predicted and then measured on this kernel. Nothing of this host is changed, and nothing is left behind.
    """
    from hosttune.commands import prove

    raise typer.Exit(prove.run(options, proving, "json" if as_json else format, strict))


@app.command()
def diff(
    options: Annotated[Options, Fields("role", "profile", "connections", "rate", "backend", "source", "bind_mode")],
    place: Annotated[Place, Fields("netns", "root")],
    left: Annotated[str, typer.Argument(metavar="A", help="A file of `snapshot`, or a JSON report of `check`.")] = "",
    right: Annotated[str, typer.Argument(metavar="B", help="Another; without it this host, as it is now.")] = "",
    defaults: Annotated[bool, typer.Option("--defaults", help="Compare it with the defaults of its kernel.")] = False,
    required: Annotated[bool, typer.Option("--required", help="Compare it with what its role requires.")] = False,
    boot: Annotated[bool, typer.Option("--boot", help="Compare it with its own next boot.")] = False,
    format: Annotated[str, formats_of("Comparison")] = "table",
    verbose: Verbose = False,
) -> None:
    """Show what differs between two hosts, and what each difference does.

    Ranked by what each alone does to the number of connections. With one file, that host is compared with this one;
    without a file, this host with --defaults, with what its role requires (--required), or with its next boot (--boot).
    """
    from hosttune.commands import diff

    against = [name for name, given in (("defaults", defaults), ("required", required), ("boot", boot)) if given]
    raise typer.Exit(diff.run(left, right, against, options, place, format, verbose))


@app.command()
def resolve(
    place: Annotated[Place, Fields("root", "snapshot")],
    keys: Annotated[list[str] | None, typer.Argument(metavar="[KEY]...", autocompletion=completing.sysctls)] = None,
    user: User = None,
    unit: Annotated[
        list[str] | None, typer.Option("--unit", help="A systemd unit; repeatable.", metavar="UNIT")
    ] = None,
    format: Annotated[str, formats_of("Resolution")] = "table",
) -> None:
    """Show which config line wins for each sysctl or nofile limit, and what it overrides.

    All sysctls that files set, where none is named.
    """
    from hosttune.commands import resolve

    raise typer.Exit(resolve.run(keys or [], user or [], unit or [], place, format))


@app.command()
def explain(
    key: Annotated[str, typer.Argument(help="A sysctl, or nofile.", metavar="KEY", autocompletion=completing.subjects)],
    profile: ProfileFile = None,
    format: Annotated[str, formats_of("Explained")] = "table",
) -> None:
    """Explain a sysctl or limit.

    Its unit and default, what goes wrong when it is too low or too high, and which role requires what. The last part of
    a name is enough where it is of one key alone.
    """
    from hosttune.commands import explain

    explain.run(key, profile or [], format)


@app.command()
def snapshot(
    output: Annotated[str, FileOption("-o", "--output", help="The file to write.")],
    options: Annotated[Options, Fields("backend", "source")],
    place: Annotated[Place, Fields("netns", "root")],
    redact: Annotated[bool, typer.Option("--redact", help="Replace addresses, host names and people.")] = False,
    interval: SecondLook = 0.0,
) -> None:
    """Record this host for analysis elsewhere.

    The file has everything that hosttune reads of this host, peers and processes included; only you can read it (mode
    0600). The other verbs read it on any machine with --snapshot FILE.
    """
    from hosttune.commands import snapshot

    snapshot.run(output, options, redact, interval, place)


@app.command()
def docs(
    topic: Annotated[str, typer.Argument(help="A page, or its verb.", autocompletion=completing.pages)] = "",
) -> None:
    """Show a page of the documentation, or without a topic the list of pages."""
    from hosttune.commands import docs

    docs.run(topic)


@profiles.command("list")
def profile_list() -> None:
    """List the roles that --role accepts."""
    from hosttune.commands import profile

    profile.show_all()


@profiles.command("show")
def profile_show(
    name: Annotated[str, typer.Argument(metavar="NAME", autocompletion=completing.roles)],
    options: Annotated[Options, Fields("connections", "rate")],
    format: Annotated[str, formats_of("RoleRequirements")] = "table",
) -> None:
    """Show what a role requires on this host."""
    from hosttune.commands import profile

    profile.show(dataclasses.replace(options, role=(name,)), format)


@profiles.command("validate")
def profile_validate(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", autocompletion=completing.files)],
) -> None:
    """Validate profile files; each error is one line.

    hosttune-profile(5) describes the format.
    """
    from hosttune.commands import profile

    profile.validate(files)
