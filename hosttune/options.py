"""What can be asked of hosttune, as values: the options that verbs share, and those of one verb. It imports nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any


def several(given: str | Sequence[str]) -> tuple[str, ...]:
    """Return texts, of which one may be given alone."""
    return (given,) if isinstance(given, str) else tuple(given)


class _Several:
    """Options of which some take several values: one that is given alone is a sequence of one."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]  # what derives from it is a dataclass
            if field.default == ():
                object.__setattr__(self, field.name, several(getattr(self, field.name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(_Several):
    """The role of a host and the load that it shall carry.

    `role`, `profile`: names and files of profiles, none for the base profile. `connections`, `rate` (a second) and
    `hold` (seconds): None for those of the profiles. `backend`: HOST:PORT, `backends_from`: a proxy's configuration,
    `source`: addresses or `all`, `bind_mode`: connect, no-port, bind[:LO-HI] or explicit[:LO-HI]. `service`, `user`,
    `pid`, `process_name`: whose descriptor limits count.
    """

    role: Sequence[str] = ()
    profile: Sequence[str] = ()
    connections: int | None = None
    rate: int | None = None
    hold: int | None = None
    backend: Sequence[str] = ()
    backends_from: str = ""
    source: Sequence[str] = ()
    bind_mode: str = ""
    service: str = ""
    user: Sequence[str] = ()
    pid: int | None = None
    process_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to look: a network namespace by its name, the tree of an image, or a recording; by default this host."""

    netns: str = ""
    root: str = "/"
    snapshot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions(_Several):
    """How a host is made ready for its role.

    `only`: the kinds of target to write (sysctl, limits, units, addresses), none for all; `leave`: keys that stay as
    they are. `runtime_only`: nothing that survives a boot, `persist_only`: files alone. `live`: running processes get
    their limits too, `restart`: services are started again. `reserve_listeners`: the ports of services are reserved.
    `add_address`: FIRST[-LAST]/PREFIX@INTERFACE; `allow_key`: sysctls that are taken from a profile though they do not
    concern connections. `confirm_within`: all is taken back after this time (120s, 2m) unless it is confirmed, by the
    command `confirm_if` once that exits 0. `reason` is for the history.
    """

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
class SourceOptions(_Several):
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
class RollbackOptions:
    """Which apply is taken back, None for the last one.

    `force`: also what somebody else has changed since; `restart`: services are started again; `reason` is for the
    history.
    """

    id: int | None = None
    force: bool = False
    restart: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """How a person is dealt with at the terminal: `dry_run`: shown alone, `yes`: not asked; and the format."""

    dry_run: bool = False
    yes: bool = False
    format: str = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall(_Several):
    """How a host stalls, as far as somebody knows.

    `errno` is the name of the error that the program met, none: it met none; `call` the call that failed, `stalled_at`
    the number of connections at which it stopped, `log` files of the program's log, - for what comes in.
    """

    errno: str = ""
    call: str = ""
    stalled_at: int | None = None
    log: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """How to watch: `interval` and `length` in seconds, None until it is ended; `sort`: nearness, rate, use or name.

    `record` is a file that keeps every look, at most `max_size` bytes of them.
    """

    interval: float = 1.0
    length: float | None = None
    sort: str = "nearness"
    record: str = ""
    max_size: int = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving(_Several):
    """What to prove: the experiments `only`, all where none is named, within `budget` seconds.

    `planned`: with the settings that `apply` would give.
    """

    only: Sequence[str] = ()
    budget: float = 30.0
    planned: bool = False


def spelled(group: Any, without: Collection[str] = ()) -> list[str]:
    """Return the options of a group as they were given, so that another verb can be told the same, but for some fields.

    What is as it is by default is left out.
    """
    given: list[str] = []
    for field in fields(group):
        value = getattr(group, field.name)
        if field.name in without or value == field.default:
            continue
        option = f"--{field.name.replace('_', '-')}"
        for each in value if isinstance(value, tuple) else [value]:
            given += [option] if each is True else [option, str(each)]
    return given
