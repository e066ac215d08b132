"""The verbs that look at a host: what it is tuned for, what it carries, what its files say."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from hosttune.cli.application import app, profiles
from hosttune.cli.groups import Fields
from hosttune.cli.options import (
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
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 where something could not be examined.")] = False,
    verbose: Verbose = False,
) -> None:
    """Say whether this host is ready for its role, what stops it first, and whether the answer survives a reboot.

    Exit: 0 all hold, 1 a finding at or above --fail-on, 2 wrong use or profile, 3 could not examine
    anything, or with --strict something;
    with --format nagios 0, 1, 2, 3 as a plugin has them.
    """
    from hosttune.commands import check

    raise typer.Exit(check.run(options, place, fail_on, strict, format, textfile, verbose))


@app.command()
def capacity(
    options: Options,
    place: Place,
    format: Annotated[str, formats_of("Capacity")] = "table",
    svg: Annotated[str, FileOption("--svg", help="Write the picture to FILE too.")] = "",
    verbose: Verbose = False,
) -> None:
    """Say at how many connections this host stalls and on what: every bound, how it shows, and what reaches the target.

    Exit: 0 the workload is carried, 1 it is not, 2 wrong use or profile.
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
    """Make the limits happen in private network namespaces: predicted against measured, on this kernel.

    Nothing of this host is changed and nothing is left behind. Exit: 0 all agree, 1 one differs, 2 wrong use,
    3 something could not be proven (--strict).
    """
    from hosttune.commands import prove

    raise typer.Exit(prove.run(options, proving, "json" if as_json else format, strict))


@app.command()
def diff(
    options: Annotated[Options, Fields("role", "profile", "connections", "rate", "backend", "source", "bind_mode")],
    place: Annotated[Place, Fields("netns", "root")],
    left: Annotated[str, typer.Argument(metavar="A", help="A file of `snapshot`, or a JSON report of `check`.")] = "",
    right: Annotated[str, typer.Argument(metavar="B", help="Another; without it this host, as it is now.")] = "",
    defaults: Annotated[bool, typer.Option("--defaults", help="Against the defaults of its kernel.")] = False,
    required: Annotated[bool, typer.Option("--required", help="Against what its role requires.")] = False,
    boot: Annotated[bool, typer.Option("--boot", help="Against its own next boot.")] = False,
    format: Annotated[str, formats_of("Comparison")] = "table",
    verbose: Verbose = False,
) -> None:
    """Say what differs between two hosts, ranked by what each difference alone does to the number of connections.

    `hosttune diff good.json bad.json`; `hosttune diff last-week.json` holds a file against this host;
    `hosttune diff --boot` this host against its next boot.
    Exit: 0 nothing that matters differs, 1 something does, 2 wrong use, 3 nothing could be compared.
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
    """Say what configuration files make of sysctls and nofile limits: the winning line, and what it overrides.

    Exit: 0 all keys are now as a boot will make them, 1 one differs, 2 wrong use.
    """
    from hosttune.commands import resolve

    raise typer.Exit(resolve.run(keys or [], user or [], unit or [], place, format))


@app.command()
def explain(
    key: Annotated[str, typer.Argument(help="A sysctl, or nofile.", metavar="KEY", autocompletion=completing.subjects)],
    profile: ProfileFile = None,
    format: Annotated[str, formats_of("Explained")] = "table",
) -> None:
    """Say what a key is, its unit and default, what goes wrong either way, and which role wants what."""
    from hosttune.commands import explain

    explain.run(key, profile or [], format)


@app.command()
def snapshot(
    output: Annotated[str, FileOption("-o", "--output", help="The file to write.")],
    options: Annotated[Options, Fields("backend", "source")],
    place: Annotated[Place, Fields("netns", "root")],
    redact: Annotated[bool, typer.Option("--redact", help="Hash addresses and names.")] = False,
    interval: SecondLook = 0.0,
) -> None:
    """Record every answer that this host gives, for `--snapshot FILE` on any machine."""
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
    """Name each profile that can be a --role."""
    from hosttune.commands import profile

    profile.show_all()


@profiles.command("show")
def profile_show(
    name: Annotated[str, typer.Argument(metavar="NAME", autocompletion=completing.roles)],
    options: Annotated[Options, Fields("connections", "rate")],
    format: Annotated[str, formats_of("RoleRequirements")] = "table",
) -> None:
    """Print what a profile requires on this host."""
    from hosttune.commands import profile

    profile.show(dataclasses.replace(options, role=(name,)), format)


@profiles.command("validate")
def profile_validate(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", autocompletion=completing.files)],
) -> None:
    """Check profile files of your own: each error is one line."""
    from hosttune.commands import profile

    profile.validate(files)
