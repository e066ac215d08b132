"""Signatures and help: each body imports its command and calls it."""

from __future__ import annotations

import dataclasses
import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hosttune import __version__
from hosttune.commands import _usage
from hosttune.errors import HosttuneError
from hosttune.options import (
    Backends,
    Connections,
    Format,
    FromConfig,
    Hold,
    ModeText,
    Netns,
    Pid,
    ProcessName,
    ProfileFile,
    Rate,
    Roles,
    Root,
    Service,
    Snapshot,
    Sources,
    User,
    Verbose,
)

if TYPE_CHECKING:
    from hosttune.commands import _load

app = typer.Typer(
    name="hosttune",
    help="Is this host tuned for very many TCP connections, where will it stall, and will it stay so?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
profiles = typer.Typer(no_args_is_help=True, help="List, show and validate the profiles of the roles.")
app.add_typer(profiles, name="profile")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"hosttune {__version__}")
        raise typer.Exit


@app.callback()
def hosttune(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


def _aim(given: dict[str, Any]) -> _load.Aim:
    """Return the options that several verbs share, from a verb's locals."""
    from hosttune.commands import _load

    names = [field.name for field in dataclasses.fields(_load.Aim) if given.get(field.name) is not None]
    return _load.Aim(**{name: given[name] for name in names})


@app.command()
def check(
    role: Roles = None,
    profile: ProfileFile = None,
    connections: Connections = None,
    rate: Rate = None,
    hold: Hold = None,
    backend: Backends = None,
    backends_from: FromConfig = "",
    source: Sources = None,
    bind_mode: ModeText = "",
    service: Service = "",
    user: User = None,
    pid: Pid = None,
    process_name: ProcessName = "",
    netns: Netns = "",
    root: Root = "/",
    snapshot: Snapshot = "",
    format: Format = "table",
    fail_on: Annotated[str, typer.Option(help="Lowest severity that fails: info, warning or error.")] = "error",
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 where something could not be examined.")] = False,
    verbose: Verbose = False,
) -> None:
    """Say whether this host is ready for its role, what stops it first, and whether the answer survives a reboot.

    Exit: 0 all hold, 1 a finding at or above --fail-on, 2 wrong use or profile, 3 could not examine (--strict).
    """
    aim = _aim(dict(locals()))
    from hosttune.commands import check

    raise typer.Exit(check.run(check.Asked(aim, netns, root, snapshot, format, fail_on, strict, verbose)))


@app.command()
def capacity(
    role: Roles = None,
    profile: ProfileFile = None,
    connections: Connections = None,
    rate: Rate = None,
    hold: Hold = None,
    backend: Backends = None,
    backends_from: FromConfig = "",
    source: Sources = None,
    bind_mode: ModeText = "",
    service: Service = "",
    user: User = None,
    pid: Pid = None,
    process_name: ProcessName = "",
    netns: Netns = "",
    root: Root = "/",
    snapshot: Snapshot = "",
    format: Format = "table",
    svg: Annotated[str, typer.Option("--svg", help="Write the picture to FILE too.", metavar="FILE")] = "",
    verbose: Verbose = False,
) -> None:
    """Say at how many connections this host stalls and on what: every bound, how it shows, and what reaches the target.

    Exit: 0 the workload is carried, 1 it is not, 2 wrong use or profile.
    """
    aim = _aim(dict(locals()))
    from hosttune.commands import capacity

    raise typer.Exit(capacity.run(capacity.Asked(aim, netns, root, snapshot, format, svg, verbose)))


@app.command()
def apply(
    role: Roles = None,
    profile: ProfileFile = None,
    connections: Connections = None,
    rate: Rate = None,
    hold: Hold = None,
    backend: Backends = None,
    backends_from: FromConfig = "",
    source: Sources = None,
    bind_mode: ModeText = "",
    service: Service = "",
    user: User = None,
    pid: Pid = None,
    process_name: ProcessName = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; exit 4 if anything.")] = False,
    script: Annotated[bool, typer.Option("--script", help="Print a shell script that does the same instead.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    only: Annotated[
        str | None, typer.Option(callback=_usage.some, help="Kinds to write: sysctl,limits,units,addresses.")
    ] = None,
    leave: Annotated[list[str] | None, typer.Option("--except", help="A key to leave alone; repeatable.")] = None,
    runtime_only: Annotated[bool, typer.Option("--runtime-only", help="Write nothing that survives a boot.")] = False,
    persist_only: Annotated[bool, typer.Option("--persist-only", help="Write files only, for the next boot.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Raise the limits of running processes too.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Restart the services whose limits changed.")] = False,
    reserve_listeners: Annotated[
        bool, typer.Option("--reserve-listeners", help="Reserve the ports that services listen on.")
    ] = False,
    add_address: Annotated[
        list[str] | None,
        typer.Option("--add-address", help="Source addresses to add: FIRST[-LAST]/PREFIX@INTERFACE; repeatable."),
    ] = None,
    root: Root = "/",
    snapshot: Snapshot = "",
    format: Format = "table",
) -> None:
    """Make this host ready for its role, now and after the next boot, in one transaction that can be taken back.

    Exit: 0 done, or nothing to do; 1 a write failed and all is as before, or a value does not hold; 2 wrong use;
    4 changes wanted (--dry-run); 5 refused before the first write.
    """
    given = dict(locals())
    aim = _aim(given)
    from hosttune.commands import apply

    options = {field.name: given[field.name] for field in dataclasses.fields(apply.Asked) if field.name in given}
    raise typer.Exit(apply.run(apply.Asked(aim=aim, **options)))


@app.command()
def rollback(
    id: Annotated[
        int | None,
        typer.Argument(
            parser=partial(_usage.count, most=10**9), help="The apply to take back; default: the last.", metavar="[ID]"
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; exit 4 if anything.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also what somebody else has changed since.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Restart the services whose limits change.")] = False,
    root: Root = "/",
    format: Format = "table",
) -> None:
    """Take an apply back: every file to the byte, every value; what other applies want stays.

    Exit: 0 done, or nothing to do; 1 something stays, and is named; 2 wrong use; 4 changes wanted (--dry-run);
    5 refused before the first write.
    """
    from hosttune.commands import rollback

    raise typer.Exit(rollback.run(rollback.Asked(id, dry_run, yes, force, restart, root, format)))


@app.command()
def history(
    root: Root = "/",
    format: Format = "table",
) -> None:
    """List the applies of this host, and which are in force."""
    from hosttune.commands import history

    history.run(root, format)


@app.command()
def prove(
    role: Roles = None,
    profile: ProfileFile = None,
    connections: Connections = None,
    rate: Rate = None,
    backend: Backends = None,
    backends_from: FromConfig = "",
    source: Sources = None,
    bind_mode: ModeText = "",
    only: Annotated[str, typer.Option(help="Experiments to make, such as ports,knee; default: all.")] = "",
    budget: Annotated[str, typer.Option(help="Time for everything: 30s, 2m.", metavar="TIME")] = "30s",
    planned: Annotated[bool, typer.Option("--planned", help="With the settings that apply would give.")] = False,
    format: Annotated[str, typer.Option("--format", "-f", help="table, markdown or json.")] = "table",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 where something could not be proven.")] = False,
) -> None:
    """Make the limits happen in private network namespaces: predicted against measured, on this kernel.

    Nothing of this host is changed and nothing is left behind. Exit: 0 all agree, 1 one differs, 2 wrong use,
    3 something could not be proven (--strict).
    """
    aim = _aim(dict(locals()))
    from hosttune.commands import prove

    raise typer.Exit(prove.run(prove.Asked(aim, only, budget, planned, "json" if as_json else format, strict)))


@app.command()
def resolve(
    keys: Annotated[list[str] | None, typer.Argument(metavar="[KEY]...")] = None,
    user: User = None,
    unit: Annotated[list[str] | None, typer.Option("--unit", help="A systemd unit; repeatable.")] = None,
    root: Root = "/",
    snapshot: Snapshot = "",
    format: Format = "table",
) -> None:
    """Say what configuration files make of sysctls and nofile limits: the winning line, and what it beats."""
    from hosttune.commands import resolve

    resolve.run(keys or [], user or [], unit or [], root, snapshot, format)


@app.command()
def explain(
    key: Annotated[str, typer.Argument(help="A sysctl, or nofile.")],
    profile: ProfileFile = None,
) -> None:
    """Say what a key is, its unit and default, what goes wrong either way, and which role wants what."""
    from hosttune.commands import explain

    explain.run(key, profile or [])


@app.command()
def snapshot(
    output: Annotated[str, typer.Option("-o", "--output", help="The file to write.", metavar="FILE")],
    backend: Backends = None,
    source: Sources = None,
    redact: Annotated[bool, typer.Option("--redact", help="Hash addresses and names.")] = False,
    netns: Netns = "",
    root: Root = "/",
) -> None:
    """Record every answer that this host gives, for `--snapshot FILE` on any machine."""
    from hosttune.commands import snapshot

    snapshot.run(output, backend or [], source or [], redact, netns, root)


@profiles.command("list")
def profile_list() -> None:
    """Name each profile that can be a --role."""
    from hosttune.commands import profile

    profile.show_all()


@profiles.command("show")
def profile_show(
    name: str,
    connections: Connections = None,
    rate: Rate = None,
) -> None:
    """Print what a profile requires on this host."""
    from hosttune.commands import profile

    profile.show(name, connections, rate)


@profiles.command("validate")
def profile_validate(files: list[str]) -> None:
    """Check profile files of your own: each error is one line."""
    from hosttune.commands import profile

    profile.validate(files)


def main(args: list[str] | None = None) -> None:
    """Run the command line; every error that a person can mend is one line on stderr."""
    from hosttune.commands import _output

    _output.install()
    raise SystemExit(_output.settle(_carried_out(args)))


def _carried_out(args: list[str] | None) -> int:
    """Return the exit code of the verb, once what went wrong is said."""
    try:
        # not standalone: typer would draw a box around an error, and swallow Ctrl-C
        code = app(args, prog_name="hosttune", standalone_mode=False)
    except HosttuneError as error:
        return _say(f"hosttune: {error}", error.exit_code)
    except _usage.WRONG as error:
        return _say(_usage.line(error), 2)
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except Exception as error:
        return _say(_usage.bug(error), 3)
    if code == 130:
        return _say("hosttune: interrupted", 130)
    return code if isinstance(code, int) else 0


def _say(text: Any, code: int) -> int:
    """Print one line on stderr, after all that went to stdout, and return the exit code."""
    sys.stdout.flush()
    line = str(text).encode("utf-8", "backslashreplace").decode().replace("\n", "\\n")
    print(line, file=sys.stderr)
    return code
