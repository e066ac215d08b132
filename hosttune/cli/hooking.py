"""The verbs that fit hosttune into what operators have already: each prints or writes what another tool reads."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from hosttune.cli.application import Verbs, app
from hosttune.cli.groups import Fields
from hosttune.cli.options import DirectoryOption, FailOn, FileOption, HostOptions, TextFile
from hosttune.commands import completing
from hosttune.options import ApplyOptions, Cluster
from hosttune.terminal import amounts, usage

hooks = Verbs(help="Integrate with Ansible, cloud-init, systemd, Kubernetes, Prometheus, shells.")
app.add_typer(hooks, name="hook")

Every = Annotated[
    float,
    typer.Option(
        "--every",
        parser=amounts.a_time("--every", most=amounts.WEEK),
        help="Time between two checks: 1s to 7 days, as 2h; default: 15m.",
        metavar="TIME",
        show_default=False,
    ),
]
Directory = Annotated[str, DirectoryOption("-o", "--output", help="Write the files into DIR.")]
Spec = partial(typer.Option, callback=usage.some)


Manifests = Annotated[
    Cluster,
    Fields(
        image=Annotated[
            str | None, Spec(help="Image with hosttune, required; the Containerfile makes it.", metavar="IMAGE")
        ],
        namespace=Annotated[str, typer.Option(help="Namespace that is made for it.", metavar="NAME")],
        node=Annotated[list[str] | None, typer.Option(help="Node to apply to; repeatable.", metavar="NAME")],
        exporter=Annotated[str | None, Spec(help="Image of node_exporter, to serve the metrics.", metavar="IMAGE")],
        memory=Annotated[str, typer.Option(help="Memory limit of a container.", metavar="QUANTITY")],
        textfile=Annotated[str, FileOption(help="File of metrics on each node, for node_exporter.")],
    ),
]


def _platforms(kind: str, metavar: str, help: str) -> Any:
    """Return an option of hook pyz; `kind` is the name by which hooks/pyz.py lists all."""
    return typer.Option(help=help, metavar=metavar, autocompletion=completing.listed("hosttune.hooks.pyz", kind))


@hooks.command("ansible")
def hook_ansible(output: Directory) -> None:
    """Write the Ansible collection hosttune.hosttune below DIR: modules, a role, playbooks.

    With ANSIBLE_COLLECTIONS_PATH=DIR it can be used at once; ansible-galaxy installs it from
    DIR/ansible_collections/hosttune/hosttune. `hosttune docs ansible` has a play to begin with.
    """
    from hosttune.commands import hooks

    hooks.ansible(output)


@hooks.command("cloud-init")
def hook_cloud_init(
    options: HostOptions,
    origin: Annotated[
        str | None,
        Spec(
            "--from",
            help="Where hosttune comes from, required: image (it is installed there), a URL or path of a .whl or .pyz, "
            "or NAME==VERSION for pip.",
            metavar="SPEC",
        ),
    ] = None,
    sha256: Annotated[str | None, Spec("--sha256", help="SHA-256 of what --from names.", metavar="HEX")] = None,
    no_sha256: Annotated[
        bool, typer.Option("--no-sha256", help="Run what a server or an index gives, unchecked, as root.")
    ] = False,
    every: Every = 900.0,
    restart: Annotated[
        bool, typer.Option("--restart/--no-restart", help="Restart the services whose limits change.")
    ] = True,
    reserve_listeners: Annotated[
        bool, typer.Option("--reserve-listeners/--no-reserve-listeners", help="Reserve the ports of listeners.")
    ] = True,
) -> None:
    """Print user data for cloud-init: it applies the role at the first boot, and checks at each."""
    from hosttune.commands import hooks

    also = ["--restart"] * restart + ["--reserve-listeners"] * reserve_listeners
    hooks.cloud_init(options, origin or "", sha256 or "", no_sha256, every, also)


@hooks.command("systemd")
def hook_systemd(
    options: HostOptions,
    every: Every = 900.0,
    fail_on: FailOn = "error",
    strict: Annotated[bool, typer.Option("--strict", help="Fail where something is unknown.")] = False,
    textfile: TextFile = "",
    output: Directory = "",
) -> None:
    """Print a unit that checks this host at each boot, and its timer; a failed check is a failed unit."""
    from hosttune.commands import hooks

    hooks.systemd(options, every, fail_on, strict, textfile, output)


@hooks.command("kubernetes")
def hook_kubernetes(
    output: Directory,
    options: HostOptions,
    cluster: Manifests,
    how: Annotated[ApplyOptions, Fields("reserve_listeners", "confirm_within", "confirm_if")],
    every: Every = 900.0,
) -> None:
    """Write manifests for Kubernetes that check each node and apply a role, and the recipe of an image.

    A DaemonSet checks. With --node NAME there is a Job for that node, which applies the role's sysctls, and one that
    undoes it.
    """
    from hosttune.commands import hooks

    hooks.kubernetes(options, cluster, how, every, output)


@hooks.command("prometheus")
def hook_prometheus(output: Directory) -> None:
    """Write alert rules for Prometheus and a dashboard for Grafana into DIR."""
    from hosttune.commands import hooks

    hooks.prometheus(output)


@hooks.command("pyz")
def hook_pyz(
    output: Annotated[str, FileOption("-o", "--output", help="The file to write.")] = "hosttune.pyz",
    python: Annotated[
        list[str] | None, _platforms("PYTHONS", "X.Y", "3.11, 3.12, ...; repeatable, default: all.")
    ] = None,
    arch: Annotated[
        list[str] | None, _platforms("ARCHES", "ARCH", "x86_64 or aarch64; repeatable, default: both.")
    ] = None,
    libc: Annotated[list[str] | None, _platforms("LIBCS", "LIBC", "glibc or musl; repeatable, default: both.")] = None,
) -> None:
    """Build one file that runs on any host with Python, without pip.

    It contains what is installed here, for several platforms: pip fetches the wheels, each at the version that is
    installed here.
    """
    from hosttune.commands import hooks

    hooks.pyz(output, python or [], arch or [], libc or [])


@hooks.command("man")
def hook_man(
    context: typer.Context,
    directory: Annotated[
        str, typer.Argument(help="Directory of man pages.", metavar="DIR", autocompletion=completing.directories)
    ] = "",
    output: Annotated[str, DirectoryOption("-o", "--output", help="The same as DIR.")] = "",
) -> None:
    """Write the man pages below DIR, such as /usr/local/share/man.

    Sections 1, 5 and 7, each into its directory: man1, man5, man7.
    """
    from hosttune.commands import hooks

    hooks.man(context.find_root().command, directory or output)


@hooks.command("completion")
def hook_completion(
    shell: Annotated[
        str,
        typer.Argument(
            help="bash, zsh or fish.",
            metavar="SHELL",
            autocompletion=completing.listed("hosttune.hooks.completion", "SHELLS"),
        ),
    ],
) -> None:
    """Print the completion script of a shell."""
    from hosttune.commands import hooks

    hooks.completion(shell)


@hooks.command("complete", hidden=True)
def hook_complete(context: typer.Context, line: str) -> None:
    """Print for a shell what can stand at the end of a command line."""
    from hosttune.commands import hooks

    hooks.complete(context.find_root().command, line)
