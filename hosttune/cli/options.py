"""The options that several verbs share, each once: its type, its words and its limits."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from hosttune import registry, render
from hosttune.cli.groups import Fields
from hosttune.commands import completing
from hosttune.options import Options, Place, Stall, bounds
from hosttune.profile import built_in
from hosttune.terminal import amounts, usage


def _number(group: type, name: str, help: str, unit: str = "") -> Any:
    """Return the option for a whole number of a group, within its bounds."""
    return typer.Option(parser=usage.counted(*bounds(group, name), unit), metavar="N", help=help)


def _time(option: str, help: str, most: float = amounts.HOUR) -> Any:
    """Return an option for a time in seconds, written as 10s or 1m."""
    parser = amounts.a_time(option, most=most)
    return typer.Option(option, parser=parser, help=help, metavar="TIME", show_default=False)


FileOption = partial(typer.Option, metavar="FILE", autocompletion=completing.files)
DirectoryOption = partial(typer.Option, metavar="DIR", autocompletion=completing.directories)


def formats_of(noun: str) -> Any:
    """Return the option --format of a verb that shows a noun, named by its type: every format that it has."""
    return formats(*render.formats_of(noun))


def formats(*names: str) -> Any:
    """Return the option --format of a verb that has these."""
    help = f"{', '.join(names[:-1])} or {names[-1]}."
    return typer.Option("--format", "-f", help=help, metavar="FORMAT", autocompletion=completing.choice(*names))


Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        help=f"Role of this host: {', '.join(built_in.names())}, or one in /etc/hosttune/profiles; repeatable.",
        metavar="ROLE",
        autocompletion=completing.roles,
    ),
]
ProfileFile = Annotated[list[str] | None, FileOption("--profile", help="Your own profile file; repeatable.")]
Root = Annotated[str, DirectoryOption(help="Examine the tree below DIR: an image or a chroot.")]
Snapshot = Annotated[
    str, FileOption("--snapshot", help="Examine what `hosttune snapshot` recorded instead of this host.")
]
Netns = Annotated[str, typer.Option(help="Look from inside this network namespace (ip netns).", metavar="NAME")]
AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", help="Look at every network namespace; as root.")]
FailOn = Annotated[
    str,
    typer.Option(
        help="Lowest severity that fails: info, warning or error.",
        metavar="SEVERITY",
        autocompletion=completing.choice("info", "warning", "error"),
    ),
]
TextFile = Annotated[str, FileOption("--textfile", help="Write metrics to FILE too, for node_exporter.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show what is OK too, and where each value comes from.")]
Connections = Annotated[
    int | None,
    _number(Options, "connections", "Target number of connections, as 200k or 1M; default: that of the role."),
]
Rate = Annotated[int | None, _number(Options, "rate", "New connections per second; default: that of the role.")]
Hold = Annotated[
    int | None,
    _number(Options, "hold", "Seconds a connection lives, 0: for ever; default: that of the role.", "seconds"),
]
InFlight = Annotated[
    int | None,
    _number(
        Options, "bytes_in_flight", "Bytes of each connection that wait unread or unsent; default: that of the role."
    ),
]
MessageSize = Annotated[
    int | None, _number(Options, "message_size", "Bytes of each message among them; small ones need more memory.")
]
Throughput = Annotated[
    int | None, _number(Options, "throughput", "Bytes per second of each connection; times --rtt is what is in flight.")
]
Rtt = Annotated[int | None, _number(Options, "rtt", "Round trip time to the peers in milliseconds.", "milliseconds")]
Backends = Annotated[
    list[str] | None,
    typer.Option("--backend", help="Backend that the connections go to; repeatable.", metavar="HOST:PORT"),
]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        help="Source address of the connections, or all; repeatable; default: by routing.",
        metavar="ADDRESS",
    ),
]
Service = Annotated[str, typer.Option(help="Unit whose program handles the connections.", metavar="UNIT")]
User = Annotated[
    list[str] | None, typer.Option("--user", help="Login whose limits count too; repeatable.", metavar="LOGIN")
]
ModeText = Annotated[
    str,
    typer.Option(
        "--bind-mode",
        help="How source ports are chosen: connect, no-port, bind or explicit, each also with :LO-HI; hosttune(7).",
        metavar="MODE",
        autocompletion=completing.choice("connect", "no-port", "bind", "explicit"),
    ),
]
Mark = Annotated[
    int | None,
    typer.Option(
        parser=usage.marked,
        metavar="MARK",
        help="SO_MARK of the program's sockets, as 9 or 0x9, for routing rules that go by it.",
    ),
]
Device = Annotated[str, typer.Option(help="Interface or VRF that its sockets are bound to.", metavar="NAME")]
Pid = Annotated[
    int | None, _number(Options, "pid", "Running process that handles the connections: its limits, its network.")
]
ProcessName = Annotated[str, typer.Option(help="The same by its name.", metavar="NAME")]
Container = Annotated[
    str | None, typer.Option(callback=usage.some, help="The same of a container, by name or id.", metavar="NAME|ID")
]
FromConfig = Annotated[
    list[str] | None,
    FileOption(
        "--backends-from", help="Read the backends from haproxy.cfg, nginx.conf or a directory of it; repeatable."
    ),
]
StalledAt = Annotated[int | None, _number(Stall, "stalled_at", "Number of connections at which it stopped, as 28k.")]
LoadOptions = Annotated[
    Options,
    Fields(
        *("role", "profile", "connections", "rate", "hold", "backend", "backends_from", "source", "bind_mode"),
        *("mark", "device"),
    ),
]
HostOptions = Annotated[
    Options,
    Fields(
        *("role", "profile", "connections", "rate", "hold", "backend", "backends_from", "source", "bind_mode"),
        *("mark", "device", "service", "user", "bytes_in_flight", "message_size", "throughput", "rtt"),
    ),
]
Image = Annotated[Place, Fields("root")]
NetnsOrSnapshot = Annotated[Place, Fields("netns", "snapshot")]
Sysctls = partial(typer.Option, metavar="KEY", autocompletion=completing.sysctls)

Interval = Annotated[
    float, _time("--for", "Time between the readings of the counters, at most 1h: 10s, 1m; default: short.")
]
WatchInterval = Annotated[float, _time("--interval", "Time between two looks; default: 1s.")]
Length = Annotated[
    float | None,
    _time("--for", "Stop after this time, 7 days at most: 10s, 1m, 2h; default: until it is ended.", most=amounts.WEEK),
]
Errno = Annotated[
    str, typer.Option(help="Error that the program got: EADDRNOTAVAIL, ...; none: no error.", metavar="NAME")
]
Call = Annotated[
    str,
    typer.Option(
        help="The call that failed: connect, bind, accept, socket, ...",
        metavar="CALL",
        autocompletion=completing.choice("connect", "bind", "accept", "socket"),
    ),
]
Log = Annotated[list[str] | None, FileOption("--log", help="A log of the program; repeatable.")]
Sort = Annotated[
    str,
    typer.Option(
        help="Order: nearness, rate (full first), use or name.",
        metavar="KEY",
        autocompletion=completing.choice("nearness", "rate", "use", "name"),
    ),
]
Kept = Annotated[str, FileOption("--record", help="Record every look in FILE, for `report`.")]
MaxSize = Annotated[
    int,
    typer.Option(
        "--max-size",
        parser=amounts.a_size("--max-size", 128 << 10, 64 << 20),
        help="Largest record, 128K to 64M; older samples are averaged to keep it; default: 64M.",
        metavar="SIZE",
        show_default=False,
    ),
]

SecondLook = Annotated[
    float, _time("--for", "Read the counters a second time after this time: 10s, 1m; default: once.")
]
Experiments = Annotated[
    Any,
    typer.Option(
        "--only",
        parser=usage.words,
        help=f"Experiments to make: {', '.join(registry.names('hosttune.proofs.experiments'))}; default: all.",
        metavar="NAMES",
        autocompletion=completing.experiments,
    ),
]
Budget = Annotated[
    float,
    typer.Option(
        parser=amounts.a_time("--budget", least=1.0),
        help="Time for everything: 30s, 2m; default: 30s.",
        metavar="TIME",
        show_default=False,
    ),
]
Planned = Annotated[bool, typer.Option("--planned", help="With the settings that apply would make.")]

_KEY = "Set this one value, without a role: a sysctl, or nofile=N with --service, --user or --pid; repeatable."
_ALLOW = "A sysctl of a profile to set though it does not concern connections; repeatable."

SHARED: dict[str, Any] = {
    "role": Roles,
    "profile": ProfileFile,
    "connections": Connections,
    "rate": Rate,
    "hold": Hold,
    "bytes_in_flight": InFlight,
    "message_size": MessageSize,
    "throughput": Throughput,
    "rtt": Rtt,
    "backend": Backends,
    "backends_from": FromConfig,
    "source": Sources,
    "bind_mode": ModeText,
    "mark": Mark,
    "device": Device,
    "service": Service,
    "user": User,
    "pid": Pid,
    "process_name": ProcessName,
    "container": Container,
    "netns": Netns,
    "root": Root,
    "snapshot": Snapshot,
    "only": Annotated[
        list[str] | None,
        typer.Option(
            callback=usage.some_each,
            help="Kinds to write, such as sysctl,units; default: all.",
            metavar="KINDS",
            autocompletion=completing.written,
        ),
    ],
    "key": Annotated[list[str] | None, typer.Option("--key", help=_KEY, metavar="KEY=VALUE")],
    "leave": Annotated[list[str] | None, Sysctls("--except", help="A key to leave alone; repeatable.")],
    "runtime_only": Annotated[bool, typer.Option("--runtime-only", help="Write nothing that survives a boot.")],
    "persist_only": Annotated[bool, typer.Option("--persist-only", help="Write files only, for the next boot.")],
    "live": Annotated[bool, typer.Option("--live", help="Raise the limits of running processes too.")],
    "restart": Annotated[bool, typer.Option("--restart", help="Restart the services whose limits change.")],
    "reserve_listeners": Annotated[
        bool, typer.Option("--reserve-listeners", help="Reserve the ports that services listen on.")
    ],
    "confirm_within": Annotated[
        str | None,
        typer.Option(
            callback=usage.some,
            help="Undo it after this time, 5s to 1h, unless `hosttune confirm` comes first; a reboot undoes it too.",
            metavar="TIME",
        ),
    ],
    "confirm_if": Annotated[
        str | None,
        typer.Option(
            callback=usage.some,
            help="Health check that confirms it by exit code 0; run every 2 s.",
            metavar="COMMAND",
        ),
    ],
    "add_address": Annotated[
        list[str] | None,
        typer.Option(
            "--add-address",
            help="Source addresses to add: FIRST[-LAST]/PREFIX@INTERFACE; repeatable.",
            metavar="ADDRESSES",
        ),
    ],
    "allow_key": Annotated[list[str] | None, Sysctls("--allow-key", help=_ALLOW)],
    "reason": Annotated[
        str | None,
        typer.Option(callback=usage.reason, help="Why, for `hosttune history`: a ticket, a sentence.", metavar="TEXT"),
    ],
    "addresses": Annotated[list[str] | None, typer.Argument(metavar="[FIRST[-LAST][/PREFIX][@INTERFACE]]...")],
    "anyip": Annotated[
        list[str] | None,
        typer.Option(
            "--anyip", help="A prefix whose every address becomes this host's own; repeatable.", metavar="PREFIX"
        ),
    ],
    "force": Annotated[bool, typer.Option("--force", help="Undo also what somebody else has changed since.")],
    "dry_run": Annotated[bool, typer.Option("--dry-run", help="Show what would change; exit 4 if anything.")],
    "yes": Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")],
    "format": Annotated[str, formats_of("Applied")],
    "errno": Errno,
    "call": Call,
    "stalled_at": StalledAt,
    "log": Log,
    "length": Length,
    "sort": Sort,
    "record": Kept,
    "max_size": MaxSize,
    "all_namespaces": AllNamespaces,
    "budget": Budget,
    "planned": Planned,
}
"""The option of each field of a group, whatever verb has it."""
