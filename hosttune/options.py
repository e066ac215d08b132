"""What can be asked of hosttune, as values: the options that verbs share, and those of one verb. It imports nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields


class _Several:
    """Options of which some take several values: one that is given alone is a sequence of one."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]  # what derives from it is a dataclass
            if field.default == ():
                given = getattr(self, field.name)
                object.__setattr__(self, field.name, (given,) if isinstance(given, str) else tuple(given))


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
