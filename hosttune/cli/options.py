"""The options that several verbs share, each once: its type, its words and its limits."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from hosttune import registry, render
from hosttune.cli.groups import Fields
from hosttune.commands import completing
from hosttune.options import Options, Place, Stall, bounds
from hosttune.terminal import amounts, usage


def _number(group: type, name: str, help: str) -> Any:
    """Return the option for a whole number of a group, within its bounds."""
    return typer.Option(parser=usage.counted(*bounds(group, name)), metavar="N", help=help)


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
        help="Role of this host; repeat for several on one host.",
        metavar="ROLE",
        autocompletion=completing.roles,
    ),
]
ProfileFile = Annotated[list[str] | None, FileOption("--profile", help="A profile file of your own; repeatable.")]
Root = Annotated[str, DirectoryOption(help="Examine the tree below DIR: an image or a chroot.")]
Snapshot = Annotated[str, FileOption("--snapshot", help="Examine a recording instead of this host.")]
Netns = Annotated[str, typer.Option(help="Look from inside this network namespace (ip netns).", metavar="NAME")]
FailOn = Annotated[
    str,
    typer.Option(
        help="Lowest severity that fails: info, warning or error.",
        metavar="SEVERITY",
        autocompletion=completing.choice("info", "warning", "error"),
    ),
]
TextFile = Annotated[str, FileOption("--textfile", help="Write metrics to FILE too, for node_exporter.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show what holds too, and where each value comes from.")]
Connections = Annotated[
    int | None,
    _number(Options, "connections", "Connections the host shall carry."),
]
Rate = Annotated[int | None, _number(Options, "rate", "New connections per second.")]
Hold = Annotated[
    int | None,
    _number(Options, "hold", "Seconds that a connection lives; 0: it stays."),
]
InFlight = Annotated[
    int | None,
    _number(Options, "bytes_in_flight", "Bytes of a connection that wait unread or unsent."),
]
MessageSize = Annotated[
    int | None,
    _number(Options, "message_size", "Bytes of each message among them; small ones take more memory."),
]
Throughput = Annotated[
    int | None,
    _number(Options, "throughput", "Bytes per second of each connection; with --rtt: what is in flight."),
]
Rtt = Annotated[
    int | None,
    _number(Options, "rtt", "Round trip to the peers, in milliseconds."),
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
        help="connect, no-port, bind or explicit, each also with :LO-HI.",
        metavar="MODE",
        autocompletion=completing.choice("connect", "no-port", "bind", "explicit"),
    ),
]
Mark = Annotated[
    int | None,
    typer.Option(
        parser=usage.marked,
        metavar="MARK",
        help="SO_MARK of the program's sockets, as 9 or 0x9: rules of routing may go by it.",
    ),
]
Device = Annotated[
    str, typer.Option(help="Interface or VRF that the program binds its sockets to (SO_BINDTODEVICE).", metavar="NAME")
]
Pid = Annotated[
    int | None,
    _number(Options, "pid", "A running process: its limits, its network."),
]
ProcessName = Annotated[str, typer.Option(help="A running process by name.", metavar="NAME")]
FromConfig = Annotated[
    list[str] | None,
    FileOption("--backends-from", help="Read them from haproxy.cfg, nginx.conf or a directory of it; repeatable."),
]
StalledAt = Annotated[
    int | None,
    _number(Stall, "stalled_at", "The number of connections at which it stopped."),
]
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
    float,
    _time("--for", "Time to watch the counters: 10s, 1m."),
]
WatchInterval = Annotated[
    float,
    _time("--interval", "Time between two looks; default: 1s."),
]
Length = Annotated[
    float | None,
    _time("--for", "Stop after this time: 10s, 1m, 2h.", most=amounts.WEEK),
]
Errno = Annotated[str, typer.Option(help="What the program met: EADDRNOTAVAIL, ...; none: no error.", metavar="NAME")]
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
        help="nearness, rate (full first), use or name.",
        metavar="KEY",
        autocompletion=completing.choice("nearness", "rate", "use", "name"),
    ),
]
Kept = Annotated[str, FileOption("--record", help="Keep every look in FILE, for `report`.")]
MaxSize = Annotated[
    int,
    typer.Option(
        "--max-size",
        parser=amounts.a_size("--max-size", 128 << 10, 64 << 20),
        help="Bound of the record, 64M by default; at it, its past is thinned out.",
        metavar="SIZE",
        show_default=False,
    ),
]


SecondLook = Annotated[
    float,
    _time("--for", "Keep a second gathering, so long after the first: 10s, 1m."),
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
Planned = Annotated[bool, typer.Option("--planned", help="With the settings that apply would give.")]

_KEY = "One value, and no role: a sysctl, or nofile=N with --service, --user or --pid; repeatable."
_ALLOW = "A sysctl to take from a profile though it does not concern connections; repeatable."

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
            help="Take all back after this time, 5s to 1h, unless `hosttune confirm` comes first; a reboot does too.",
            metavar="TIME",
        ),
    ],
    "confirm_if": Annotated[
        str | None,
        typer.Option(
            callback=usage.some,
            help="Confirm by itself once this exits 0: a health check; again every 2 s.",
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
        typer.Option("--anyip", help="A prefix whose every address is this host's own; repeatable.", metavar="PREFIX"),
    ],
    "force": Annotated[bool, typer.Option("--force", help="Also what somebody else has changed since.")],
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
    "budget": Budget,
    "planned": Planned,
}
"""The option of each field of a group, whatever verb has it."""
