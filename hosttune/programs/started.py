"""What a running program was started with: its files as it sees them, what its environment sets."""

from __future__ import annotations

import contextlib
import glob
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hosttune.errors import HostError
from hosttune.facts.carriers import Running
from hosttune.host import Host
from hosttune.model import FileState, Reason
from hosttune.programs import command_line
from hosttune.programs.command_line import Arguments
from hosttune.programs.given import Given

_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,99}"
_VARIABLE = re.compile(rf"\$\{{?({_NAME})|\bdefined\(\s*({_NAME})")
_SECRET = re.compile(r"(?i)passw|secret|token|\bauth|\bkey|\bpsk|\buser\b|credential")
_MOST = 256  # variables of the environment that are asked for


@dataclass(frozen=True, slots=True)
class Seen:
    """A host whose files are looked at as another process sees them: those below `top`, "" for the host's own.

    Whoever owns them, the program reads them already: what an option names is judged more strictly.
    """

    inner: Host
    top: str = ""

    def read(self, path: str) -> str:
        return self.inner.read(self.top + path)

    def glob(self, pattern: str) -> list[str]:
        return [path.removeprefix(self.top) for path in self.inner.glob(self.top + pattern)]

    def probe(self, name: str, **args: Any) -> Any:
        return self.inner.probe(name, **args)

    def state(self, path: str) -> FileState | None:
        return self.inner.state(self.top + path)

    def link(self, path: str) -> str:
        return self.inner.link(self.top + path)


def paths(running: Running) -> tuple[str, ...]:
    """Return the files and directories that its command line names, as it sees them; () for none that is read here.

    Raises HostError where that cannot be told.
    """
    return _whole(running, _arguments(running))


def given(host: Host, running: Running) -> Given | None:
    """Return what it was started with, None where no file that is read here is part of it.

    Raises HostError where its command line does not tell.
    """
    arguments = _arguments(running)
    files = _whole(running, arguments)
    if not files:
        return None
    made = Given(
        Seen(host, running.below),
        files,
        prefix=_absolute(running, _prefix(running, arguments)) if arguments.prefix else "",
        overrides=arguments.overrides,
        program=running.program.replace("-", "_"),
        named=f"{running.program} (pid {running.pid}):",
        # the names in a container are those of its own resolver
        resolves=not running.below,
    )
    return replace(made, environment=_environment(made, running)) if arguments.environment else made


def _arguments(running: Running) -> Arguments:
    if running.cut:
        raise HostError(Reason.UNREADABLE, f"{running.program} (pid {running.pid}): its command line is too long")
    return command_line.given_by(running.program, running.arguments)


def _whole(running: Running, arguments: Arguments) -> tuple[str, ...]:
    return tuple(_absolute(running, path, _prefix(running, arguments)) for path in arguments.files)


def _prefix(running: Running, arguments: Arguments) -> str:
    """Return the directory that paths are meant from; a program that has gone there is in it."""
    return running.directory if arguments.enters and running.directory else arguments.prefix


def _absolute(running: Running, path: str, prefix: str = "") -> str:
    """Return a path as the program means it; raises HostError where that cannot be told."""
    whole = os.path.join(prefix, path)
    if not whole.startswith("/") and not running.directory:
        raise HostError(Reason.INVISIBLE, f"{path} is meant from its working directory, which only root may see")
    return os.path.normpath(os.path.join(running.directory, whole))


def _environment(given: Given, running: Running) -> Mapping[str, str]:
    """Return what is set of the variables that the files ask for, but in lines that may have a secret in them.

    {} where the environment cannot be seen: what hangs on it is unknown then.
    """
    names = dict.fromkeys(name for text in _texts(given) for name in _asked(text))
    if not names:
        return {}
    try:
        found = given.host.probe("environment", pid=running.pid, names=sorted(names)[:_MOST])
    except HostError:
        return {}
    return {str(name): str(value) for name, value in found.items()}


def _texts(given: Given) -> Iterator[str]:
    for path in given.paths:
        for file in (path, *given.host.glob(f"{glob.escape(path)}/*.cfg")):
            with contextlib.suppress(HostError):
                yield given.host.read(file)


def _asked(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if ("$" in line or "defined" in line) and not _SECRET.search(line):
            yield from (match[1] or match[2] for match in _VARIABLE.finditer(line))
