"""Print a unit that checks this host at each boot, and its timer; or write them."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from hosttune.errors import UsageError
from hosttune.hooks import systemd
from hosttune.model import Severity
from hosttune.options import Options, spelled
from hosttune.printable import clean
from hosttune.terminal import flat_files, metrics_file
from hosttune.workflows import elsewhere, examine, loading, observe

USUAL = "/usr/local/bin/hosttune"
MANUALS = ("/usr/local/share/man/man1", "/usr/local/man/man1", "/usr/share/man/man1")
_PAGE = "hosttune-check.1"
_SHORTEST = 60
"""Seconds between two checks at least: each looks at every socket of the host."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune hook systemd`, as given; `output` is "" where it is printed."""

    options: Options
    every: str
    fail_on: str
    strict: bool
    textfile: str
    output: str


@dataclass(frozen=True, slots=True)
class Place:
    """What the host has on which the units run: hosttune's path, where else its parts are, the profile files.

    `pages`: its manual is there too.
    """

    program: str
    parts: Sequence[str]
    profiles: Sequence[str]
    pages: bool = False


def run(asked: Asked) -> None:
    """Print both units, or put them into the directory of --output; raises UsageError."""
    elsewhere.printable("--output", asked.output)
    program, parts = _program()
    named = [os.path.abspath(path) for path in asked.options.profile]
    # a link may lead into a home
    linked = [os.path.realpath(path) for path in [*named, asked.options.backends_from] if path]
    pages = any(os.path.isfile(f"{place}/{_PAGE}{end}") for place in MANUALS for end in ("", ".gz"))
    place = Place(program, [*parts, *linked], named, pages)
    texts = units(asked, place, loading.command())
    if asked.output:
        flat_files.put("--output", asked.output, texts, systemd.MARK)
        print(*(clean(os.path.join(asked.output, name)) for name in texts), f"then: {systemd.START}", sep="\n")
    else:
        print(systemd.printed(texts), end="")
    if not _runs(program):
        print(f"hosttune: the unit runs {program}, which is not on this host; install it there", file=sys.stderr)


def units(asked: Asked, place: Place, line: str) -> dict[str, str]:
    """Return both units by name, made by the command `line`; raises UsageError."""
    profiles = elsewhere.checked(asked.options)
    every = _every(asked.every)
    fail_on = examine.severity(asked.fail_on)
    textfile = _textfile_of(asked.textfile)
    reads = [("--profile", path) for path in place.profiles] + [("--backends-from", asked.options.backends_from)]
    for option, path in reads:
        _seen(option, path)
    options = dataclasses.replace(asked.options, profile=place.profiles)
    command = [place.program, "check", *spelled(options)]
    command += ["--fail-on", fail_on] if fail_on is not Severity.ERROR else []
    command += ["--strict"] if asked.strict else []
    command += ["--textfile", textfile] if textfile else []
    wanted = systemd.Wanted(
        command,
        after=elsewhere.service(asked.options, profiles),
        pages=place.pages,
        needs=[place.program, *place.parts, *(path for _, path in reads), textfile],
        textfile=textfile,
        names=elsewhere.by_name(asked.options, profiles),
        every=every,
        line=line,
    )
    return systemd.files(wanted)


def _every(text: str) -> int:
    elsewhere.printable("--every", text)
    every = int(observe.seconds(text, "--every", most=observe.WEEK))
    if every < _SHORTEST:
        raise UsageError(f"--every {text}: too often; write 1m or more")
    return every


def _textfile_of(path: str) -> str:
    """Return the file of --textfile, its path plain, as ReadWritePaths= wants it; raises UsageError."""
    if not path:
        return ""
    elsewhere.printable("--textfile", path)
    if not path.startswith("/"):
        raise UsageError(f"--textfile {path}: not a whole path; the unit runs in no directory of yours")
    metrics_file.named(path)
    _seen("--textfile", path)
    return os.path.normpath(path)


def _seen(option: str, path: str) -> None:
    """Raise UsageError for a file that the unit would look for in vain, or write where nobody sees it."""
    other = elsewhere.hidden(path)
    if other:
        raise UsageError(f"{option} {path}: the unit has a {other} of its own; name a file elsewhere")


def _runs(path: str) -> bool:
    """Say whether systemd could start it: a file, not a directory, and one that may be executed."""
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _program() -> tuple[str, Sequence[str]]:
    """Return the path of the program that runs, as it can be started again, and where else its parts are.

    The usual path where it is run as a module, or from where no unit can start it.
    """
    found = shutil.which(sys.argv[0])
    if found is None:
        return USUAL, []
    path = os.path.abspath(found)
    unfit = not _runs(path) or elsewhere.hidden(path) or set(path) & set(systemd.UNSAFE) or not path.isprintable()
    if not os.path.basename(path).startswith("hosttune") or unfit:
        return USUAL, []
    return path, [os.path.realpath(path), sys.prefix, sys.base_prefix]
