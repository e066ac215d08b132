"""What can be asked of hosttune, as values: the options that verbs share, and those of one verb. It imports nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields


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
