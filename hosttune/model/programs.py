"""What is known of a program, whatever host it runs on: each file of profiles/programs is a `KnownProgram`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from hosttune.model.capacity import BindMode

ANY = "…"
"""Stands in a line of a log for what differs from one host, backend or client to the next."""


When = Literal["", "silent", "start", "met", "wrapped", "plain"]
"""Which of a program's lines it is: at its start or met later, with TCP wrappers or without; none at all; "" any."""

Kind = Literal["program", "runtime", "system", "any"]
"""Whose lines they are, in the order in which they are sought: those of one program before those of any."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of one program, and what it is a sign of.

    `line` is what the real program wrote, its version `seen`, with ANY for what differs; `pattern` is what finds the
    line (its named groups are its numbers), by default made of `line`, of which `numbers` name the ellipses, or of
    `mark`: the part that never differs, which is sought first, for that is cheap; `marks` are several, of which a line
    has one. In all of these {EMFILE} stands for what any C library or runtime calls that errno. `causes` are the kinds
    of cause, the likeliest first; none: the line looks like another one, and is no sign of a stall. `errno` and `call`
    are what the program met. `bound`, `modes` and `when` say where `capacity` announces the line: the id of the bound
    up to its colon, the ways of binding (empty: any), and what else decides. `source` is the program's own file, or a
    report. `setting` is, of a line about a limit of the program's own, what sets that limit, and in which file.
    """

    causes: tuple[str, ...]
    source: str
    line: str = ""
    mark: str = ""
    marks: tuple[str, ...] = ()
    pattern: str = ""
    numbers: tuple[str, ...] = ()
    errno: str = ""
    call: str = ""
    bound: str = ""
    modes: tuple[BindMode, ...] = ()
    when: When = ""
    seen: str = ""
    example: str = ""
    setting: str = ""
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    @property
    def sought(self) -> tuple[str, ...]:
        """The marks: by default the longest part of the line that does not differ."""
        return self.marks or (self.mark or max(self._parts, key=len),)

    @property
    def expression(self) -> str:
        """The regular expression."""
        if self.pattern or not self.line:
            return self.pattern or "|".join(map(re.escape, self.sought))
        names = (*self.numbers, *[""] * len(self._parts))
        gaps = (rf"(?P<{name}>\d{{1,12}})" if name else r".{1,200}?" for name in names)
        first, *rest = map(re.escape, self._parts)
        return first + "".join(gap + part for gap, part in zip(gaps, rest, strict=False))

    @property
    def _parts(self) -> list[str]:
        return self.line.rstrip(".").split(ANY)


@dataclass(frozen=True, slots=True)
class Trait:
    """One number of a program, 0 where it is not known; `wrapped`: only where it is linked with TCP wrappers.

    `source` names the program's own file, `number_source` where the number comes from, `seen` the version that was
    tried.
    """

    value: int = 0
    why: str = ""
    source: str = ""
    number_source: str = ""
    seen: str = ""
    wrapped: bool = False
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Traits:
    """What a program itself brings to a bound, beside what the kernel decides.

    `kept_back` are descriptors that it keeps back from the maxconn it reckons, `per_thread` those of each thread,
    `per_accept` those that have to be free beside a client's while it is accepted, `per_connection` those of one
    connection. `in_each`: each of its worker processes accepts. `backlog` is what it passes to listen(), a default or
    fixed. `binds_first`: it binds before it connects. `raises_nofile`: it raises its soft limit of descriptors to the
    hard one when it starts. `most` are
    the connections that it lets through by default.
    """

    kept_back: Trait = Trait()
    per_thread: Trait = Trait()
    per_accept: Trait = Trait()
    per_connection: Trait = Trait()
    in_each: Trait = Trait()
    backlog: Trait = Trait()
    binds_first: Trait = Trait()
    raises_nofile: Trait = Trait()
    most: Trait = Trait()
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Deploy:
    """How a plan brings a program to its hosts, of tiers with these `roles` where no program is named for them.

    `program` is its name in a topology, where that is another. `service`: it is a unit of its own name. `file` is its
    configuration, `file_of_each` that of each process where several share a host; `check` or `start` is the command
    that takes it. `run` are the lines that say how a load generator is started: {of} stands for a tier's suffix.
    """

    roles: tuple[str, ...]
    program: str = ""
    service: bool = False
    file: str = ""
    file_of_each: str = ""
    check: str = ""
    start: str = ""
    run: tuple[str, ...] = ()
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class KnownProgram:
    """A program: `processes` are the names that the kernel has for it, its own by default.

    `maximum` is what its own maximum of connections is called and where it is set, `listen_setting` what raises its
    backlog; "" where that is not known. `deploy` is absent where no plan runs it.
    """

    name: str
    processes: tuple[str, ...] = ()
    kind: Kind = "program"
    maximum: str = ""
    listen_setting: str = ""
    traits: Traits = Traits()
    deploy: Deploy | None = None
    log: tuple[LogLine, ...] = ()
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it goes by: its own, those of its processes, and that in a topology."""
        return (self.name, *self.processes, *((self.deploy.program,) if self.deploy and self.deploy.program else ()))


def bare(program: str) -> str:
    """Return the name of a program that a process, a unit, a path or one of several instances stands for."""
    return program.rpartition("/")[2].removesuffix(".service").partition("@")[0]


def known_as(programs: Iterable[KnownProgram], program: str) -> KnownProgram:
    """Return what is known of a process, a unit or a path; a program without traits and lines where nothing is."""
    name = bare(program)
    return next((known for known in programs if name in known.names), KnownProgram(name))
