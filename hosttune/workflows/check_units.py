"""The unit that checks this host at each boot, and its timer, for the options of a check."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from hosttune.errors import UsageError
from hosttune.facts import machine as machines
from hosttune.facts import where as wheres
from hosttune.hooks import systemd
from hosttune.host import Host, text
from hosttune.model import Severity
from hosttune.options import Options, spelled
from hosttune.workflows import elsewhere, examine

USUAL = "/usr/local/bin/hosttune"
MANUALS = ("/usr/local/share/man/man1", "/usr/local/man/man1", "/usr/share/man/man1")
_PAGE = "hosttune-check.1"
_PODS = ("kubernetes", "cri-o", "containerd")
_SHORTEST = 60
"""Seconds between two checks at least: each looks at every socket of the host."""


@dataclass(frozen=True, slots=True)
class Place:
    """What the host has on which the units run: hosttune's path, where else its parts are, the profile files.

    `pages`: its manual is there too.
    """

    program: str
    parts: Sequence[str]
    profiles: Sequence[str]
    pages: bool = False


def of_this_host(options: Options, started_as: str) -> Place:
    """Return where this host has what the units need; `started_as` is how the program that runs was started."""
    program, parts = _program(started_as)
    named = [os.path.abspath(path) for path in options.profile]
    # a link may lead into a home
    linked = [os.path.realpath(path) for path in [*named, *options.backends_from]]
    pages = any(os.path.isfile(f"{manual}/{_PAGE}{end}") for manual in MANUALS for end in ("", ".gz"))
    return Place(program, [*parts, *linked], named, pages)


def units(
    options: Options,
    place: Place,
    line: str,
    *,
    every: float = 900.0,
    fail_on: str = Severity.ERROR,
    strict: bool = False,
    textfile: str = "",
) -> dict[str, str]:
    """Return both units by name, made by the command `line`; raises UsageError."""
    profiles = elsewhere.checked(options)
    if every < _SHORTEST:
        raise UsageError(f"--every {every:g}s: too often; write 1m or more")
    severity = examine.severity(fail_on)
    textfile = _textfile_of(textfile)
    reads = [("--profile", path) for path in place.profiles]
    reads += [("--backends-from", path) for path in options.backends_from]
    for option, path in reads:
        _seen(option, path)
    command = [place.program, "check", *spelled(dataclasses.replace(options, profile=place.profiles))]
    command += ["--fail-on", severity] if severity is not Severity.ERROR else []
    command += ["--strict"] if strict else []
    command += ["--textfile", textfile] if textfile else []
    wanted = systemd.Wanted(
        command,
        after=elsewhere.service(options, profiles),
        pages=place.pages,
        needs=[place.program, *place.parts, *(path for _, path in reads), textfile],
        textfile=textfile,
        names=elsewhere.by_name(options, profiles),
        every=int(every),
        line=line,
    )
    return systemd.files(wanted)


def without_systemd(host: Host) -> str:
    """Return what to use in a container that has no systemd, whose units nothing would start; "" anywhere else."""
    if text(host, "/proc/1/comm") in ("", "systemd") or host.glob("/run/systemd/system"):
        return ""
    where = wheres.gather(host, machines.gather(host))
    if not where.contained:
        return ""
    pod = "a DaemonSet (`hosttune hook kubernetes`), or " if where.owner in _PODS else ""
    return (
        f"no systemd runs in this container; in place of the units use {pod}its runtime's health check "
        "(`hosttune check`, exit 0: ready), or these units on the host"
    )


def _textfile_of(path: str) -> str:
    """Return the file of --textfile, its path plain, as ReadWritePaths= wants it; raises UsageError."""
    if not path:
        return ""
    elsewhere.printable("--textfile", path)
    if not path.startswith("/"):
        raise UsageError(f"--textfile {path}: not a whole path; the unit runs in no directory of yours")
    _seen("--textfile", path)
    return os.path.normpath(path)


def _seen(option: str, path: str) -> None:
    """Raise UsageError for a file that the unit would look for in vain, or write where nobody sees it."""
    other = elsewhere.hidden(path)
    if other:
        raise UsageError(f"{option} {path}: the unit has a {other} of its own; name a file elsewhere")


def runs(path: str) -> bool:
    """Say whether systemd could start it: a file, not a directory, and one that may be executed."""
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _program(started_as: str) -> tuple[str, Sequence[str]]:
    """Return the path of the program that runs, as it can be started again, and where else its parts are.

    The usual path where it is run as a module, or from where no unit can start it.
    """
    executable = shutil.which(started_as)
    if executable is None:
        return USUAL, []
    path = os.path.abspath(executable)
    unfit = not runs(path) or elsewhere.hidden(path) or set(path) & set(systemd.UNSAFE) or not path.isprintable()
    if not os.path.basename(path).startswith("hosttune") or unfit:
        return USUAL, []
    return path, [os.path.realpath(path), sys.prefix, sys.base_prefix]
