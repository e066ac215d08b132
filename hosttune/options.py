"""The options that several verbs share, each once: its type, its words and its limits."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from hosttune.commands import _completing, _usage

Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        help="Role of this host; repeat for several on one host.",
        metavar="ROLE",
        autocompletion=_completing.roles,
    ),
]
ProfileFile = Annotated[
    list[str] | None,
    typer.Option(
        "--profile", help="A profile file of your own; repeatable.", metavar="FILE", autocompletion=_completing.files
    ),
]
Root = Annotated[
    str,
    typer.Option(
        help="Examine the tree below DIR: an image or a chroot.", metavar="DIR", autocompletion=_completing.directories
    ),
]
Snapshot = Annotated[
    str,
    typer.Option(
        "--snapshot", help="Examine a recording instead of this host.", metavar="FILE", autocompletion=_completing.files
    ),
]
Netns = Annotated[str, typer.Option(help="Look from inside this network namespace (ip netns).", metavar="NAME")]
Format = Annotated[
    str,
    typer.Option(
        "--format", "-f", help="table or json.", metavar="FORMAT", autocompletion=_completing.choice("table", "json")
    ),
]
TextFile = Annotated[
    str,
    typer.Option(
        "--textfile",
        help="Write metrics to FILE too, for node_exporter.",
        metavar="FILE",
        autocompletion=_completing.files,
    ),
]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show what holds too, and where each value comes from.")]
Connections = Annotated[
    int | None,
    typer.Option(parser=partial(_usage.count, most=10**9), metavar="N", help="Connections the host shall carry."),
]
Rate = Annotated[
    int | None, typer.Option(parser=partial(_usage.count, most=10**7), metavar="N", help="New connections per second.")
]
Hold = Annotated[
    int | None,
    typer.Option(
        parser=partial(_usage.count, least=0, most=10**8),
        metavar="N",
        help="Seconds that a connection lives; 0: it stays.",
    ),
]
Backends = Annotated[
    list[str] | None, typer.Option("--backend", help="A backend that is connected to; repeatable.", metavar="HOST:PORT")
]
Sources = Annotated[
    list[str] | None, typer.Option("--source", help="Source address, or all; default: by routing.", metavar="ADDRESS")
]
Service = Annotated[str, typer.Option(help="The unit that carries the connections.", metavar="UNIT")]
User = Annotated[list[str] | None, typer.Option("--user", help="A login to look at too; repeatable.", metavar="LOGIN")]
ModeText = Annotated[
    str,
    typer.Option(
        "--bind-mode",
        help="connect, no-port, bind[:LO-HI] or explicit[:LO-HI].",
        metavar="MODE",
        autocompletion=_completing.choice("connect", "no-port", "bind", "explicit"),
    ),
]
Pid = Annotated[
    int | None,
    # the most that kernel.pid_max can be: PID_MAX_LIMIT, include/linux/threads.h
    typer.Option(
        parser=partial(_usage.count, most=1 << 22), metavar="N", help="A running process: its limits, its network."
    ),
]
ProcessName = Annotated[str, typer.Option(help="A running process by name.", metavar="NAME")]
FromConfig = Annotated[
    str,
    typer.Option(
        "--backends-from",
        help="Read them from haproxy.cfg or nginx.conf.",
        metavar="FILE",
        autocompletion=_completing.files,
    ),
]
StalledAt = Annotated[
    int | None,
    typer.Option(
        parser=partial(_usage.count, most=10**9), metavar="N", help="The number of connections at which it stopped."
    ),
]
