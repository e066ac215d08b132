"""What can be asked of hosttune, as values: the options that verbs share, and those of one verb.

Whoever makes a group, it holds what it may: a number beyond its bounds, or a value of another type, is a UsageError.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any

from hosttune import counts, kernel
from hosttune.errors import UsageError

_TYPES: dict[str, tuple[type, ...]] = {
    "Sequence[str]": (str,),
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "int | None": (int,),
    "float": (int, float),
    "float | None": (int, float),
}
"""What a value, or each of several, may be, by the annotation of its field."""


def several(given: str | Sequence[str]) -> tuple[str, ...]:
    """Return texts, of which one may be given alone."""
    return (given,) if isinstance(given, str) else tuple(given)


def _number(most: int, least: int = 1) -> Any:
    """Return a field for a whole number within bounds, None where it is not given."""
    return field(default=None, metadata={"least": least, "most": most})


def bounds(group: type, name: str) -> tuple[int, int]:
    """Return the most and the least that a number of a group may be."""
    held: Field[Any] = group.__dataclass_fields__[name]  # type: ignore[attr-defined]  # every group is a dataclass
    return held.metadata["most"], held.metadata["least"]


class _Group:
    """Options that are given together; one that is given alone where several may be is a sequence of one."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for held in fields(self):  # type: ignore[arg-type]  # what derives from it is a dataclass
            value, option = getattr(self, held.name), f"--{held.name.replace('_', '-')}"
            if held.default == ():
                if not isinstance(value, Sequence):
                    raise UsageError(f"{option} {value!r}: it takes texts")
                object.__setattr__(self, held.name, value := several(value))
            for item in value if held.default == () else () if value is None and held.default is None else (value,):
                _check(option, item, held)


def _check(option: str, value: Any, held: Field[Any]) -> None:
    """Raise UsageError for a value that a field cannot hold."""
    kinds = _TYPES[str(held.type)]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        word = {str: "a text", bool: "True or False"}.get(kinds[0], "a number")
        raise UsageError(f"{option} {value!r}: it takes {word}")
    most = held.metadata.get("most")
    if most is not None and isinstance(value, int) and (wrong := counts.within(value, held.metadata["least"], most)):
        raise UsageError(f"{option} {wrong}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(_Group):
    """The role of a host and the load that it shall carry.

    `role`, `profile`: names and files of profiles, none for the base profile. `connections`, `rate` (a second) and
    `hold` (seconds): None for those of the profiles. `backend`: HOST:PORT, `backends_from`: files and directories of a
    proxy's configuration, `source`: addresses or `all`, `bind_mode`: connect, no-port, bind or
    explicit, each also with :LO-HI. `mark`: SO_MARK of the program's sockets, `device`: the interface or the VRF that
    it binds them to (SO_BINDTODEVICE), None and "": as its process shows. `service`, `user`, `pid`, `process_name`,
    `container` (its name, its id or the begin of that): whose descriptor limits count, and whose user routing may go
    by. `bytes_in_flight`: unread or unsent bytes of a connection, in messages of `message_size` bytes; or `throughput`
    (bytes a second of each connection) at an `rtt` in ms, whose product they are.
    """

    role: Sequence[str] = ()
    profile: Sequence[str] = ()
    connections: int | None = _number(10**9)
    rate: int | None = _number(10**7)
    hold: int | None = _number(10**8, least=0)
    backend: Sequence[str] = ()
    backends_from: Sequence[str] = ()
    source: Sequence[str] = ()
    bind_mode: str = ""
    mark: int | None = _number((1 << 32) - 1, least=0)
    device: str = ""
    service: str = ""
    user: Sequence[str] = ()
    pid: int | None = _number(kernel.PID_MAX_LIMIT)
    process_name: str = ""
    container: str = ""
    bytes_in_flight: int | None = _number(10**12, least=0)
    message_size: int | None = _number(10**9)
    throughput: int | None = _number(10**12)
    rtt: int | None = _number(600_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(_Group):
    """Where to look: a network namespace by its name, the tree of an image, or a recording; by default this host."""

    netns: str = ""
    root: str = "/"
    snapshot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions(_Group):
    """How a host is made ready for its role.

    `key`: values that are asked for one by one, KEY=VALUE, in place of a role.
    `only`: the kinds of target to write (sysctl, limits, units, addresses), none for all; `leave`: keys that stay as
    they are. `runtime_only`: nothing that survives a boot, `persist_only`: files alone. `live`: running processes get
    their limits too, `restart`: services are started again. `reserve_listeners`: the ports of services are reserved.
    `add_address`: FIRST[-LAST]/PREFIX@INTERFACE; `allow_key`: sysctls that are taken from a profile though they do not
    concern connections. `confirm_within`: all is taken back after this time (120s, 2m) unless it is confirmed, by the
    command `confirm_if` once that exits 0. `reason` is for the history.
    """

    key: Sequence[str] = ()
    only: Sequence[str] = ()
    leave: Sequence[str] = ()
    runtime_only: bool = False
    persist_only: bool = False
    live: bool = False
    restart: bool = False
    reserve_listeners: bool = False
    confirm_within: str = ""
    confirm_if: str = ""
    add_address: Sequence[str] = ()
    allow_key: Sequence[str] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions(_Group):
    """Source addresses that come or go: FIRST[-LAST][/PREFIX][@INTERFACE], and prefixes whose every address is local.

    `force`: they go though connections are open on them. All else is as with ApplyOptions.
    """

    addresses: Sequence[str] = ()
    anyip: Sequence[str] = ()
    force: bool = False
    runtime_only: bool = False
    persist_only: bool = False
    confirm_within: str = ""
    confirm_if: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackOptions(_Group):
    """Which apply is taken back, None for the last one.

    `force`: also what somebody else has changed since; `restart`: services are started again; `reason` is for the
    history.
    """

    id: int | None = _number(10**9)
    force: bool = False
    restart: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue(_Group):
    """How a person is dealt with at the terminal: `dry_run`: shown alone, `yes`: not asked; and the format."""

    dry_run: bool = False
    yes: bool = False
    format: str = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall(_Group):
    """How a host stalls, as far as somebody knows.

    `errno` is the name of the error that the program met, none: it met none; `call` the call that failed, `stalled_at`
    the number of connections at which it stopped, `log` files of the program's log, - for what comes in.
    """

    errno: str = ""
    call: str = ""
    stalled_at: int | None = _number(10**9)
    log: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching(_Group):
    """How to watch: `interval` and `length` in seconds, None until it is ended; `sort`: nearness, rate, use or name.

    `record` is a file that keeps every look, at most `max_size` bytes of them. `all_namespaces`: the other network
    namespaces of the host too.
    """

    interval: float = 1.0
    length: float | None = None
    sort: str = "nearness"
    record: str = ""
    max_size: int = 64 << 20
    all_namespaces: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster(_Group):
    """A Kubernetes cluster whose nodes are checked.

    `image` is the container image with hosttune, `exporter` that of a node_exporter which serves the metrics, "" for
    none. `namespace` is made for it, `node` names the nodes that a role is applied to, each by a Job. `memory` is the
    most that a container may have, a quantity such as 256Mi. `textfile` is the file of metrics on each node.
    """

    image: str = ""
    namespace: str = "hosttune"
    node: Sequence[str] = ()
    exporter: str = ""
    memory: str = "256Mi"
    textfile: str = "/var/lib/node_exporter/textfile_collector/hosttune.prom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving(_Group):
    """What to prove: the experiments `only`, all where none is named, within `budget` seconds.

    `planned`: with the settings that `apply` would give.
    """

    only: Sequence[str] = ()
    budget: float = 30.0
    planned: bool = False


def spelled(group: Any, without: Collection[str] = ()) -> list[str]:
    """Return the options of a group as they were given, so that another verb gets the same, but for some fields.

    What is as it is by default is left out.
    """
    given: list[str] = []
    for held in fields(group):
        value = getattr(group, held.name)
        if held.name in without or value == held.default:
            continue
        option = f"--{held.name.replace('_', '-')}"
        for each in value if isinstance(value, tuple) else [value]:
            given += [option] if each is True else [option, str(each)]
    return given
