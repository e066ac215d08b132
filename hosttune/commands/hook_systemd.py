"""Print a unit that checks this host at each boot, and its timer; or write them."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from hosttune.commands import _elsewhere, _flat, _load, _observe
from hosttune.errors import UsageError
from hosttune.hooks import systemd
from hosttune.model import Severity

USUAL = "/usr/local/bin/hosttune"
_SHORTEST = 60
"""Seconds between two checks at least: each looks at every socket of the host."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune hook systemd`, as given; `output` is "" where it is printed."""

    aim: _load.Aim
    every: str
    fail_on: str
    strict: bool
    textfile: str
    output: str


def run(asked: Asked) -> None:
    """Print both units, or put them into the directory of --output; raises UsageError."""
    texts = units(asked, _program(), _load.command())
    if asked.output:
        _flat.put("--output", asked.output, texts, systemd.MARK)
    else:
        print(systemd.printed(texts), end="")


def units(asked: Asked, program: str, line: str, there: Sequence[str] | None = None) -> dict[str, str]:
    """Return both units by name; raises UsageError.

    `program` is hosttune's path, `line` the command line that asked for them, `there` the paths of the profile files
    on the host where the units run; None where it is this one.
    """
    profiles = _elsewhere.checked(asked.aim)
    paths = [os.path.abspath(path) for path in asked.aim.profile] if there is None else there
    aim = dataclasses.replace(asked.aim, profile=paths)
    every = _observe.seconds(asked.every, "--every", most=_observe.WEEK)
    if every < _SHORTEST:
        raise UsageError(f"--every {asked.every}: too often; write 1m or more")
    if asked.fail_on not in list(Severity):
        raise UsageError(f"--fail-on {asked.fail_on}: unknown; choose {', '.join(Severity)}")
    if asked.textfile and not asked.textfile.startswith("/"):
        raise UsageError(f"--textfile {asked.textfile}: not a whole path; the unit runs in no directory of yours")
    command = [program, "check", *_load.words(aim)]
    command += ["--fail-on", asked.fail_on] if asked.fail_on != Severity.ERROR else []
    command += ["--strict"] if asked.strict else []
    command += ["--textfile", asked.textfile] if asked.textfile else []
    after = _elsewhere.service(asked.aim, profiles)
    return systemd.files(command, after, asked.textfile, _elsewhere.by_name(asked.aim), int(every), line)


def _program() -> str:
    """Return the path of the program that runs, as it can be started again; the usual one where it is a module."""
    path = shutil.which(sys.argv[0]) or ""
    return os.path.abspath(path) if os.path.basename(path).startswith("hosttune") else USUAL
