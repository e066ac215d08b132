"""What fixes print is what their places take: our command line parses it, or a shell; nothing is left open."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import typer

from hosttune.cli import app
from hosttune.model import Fix, FixPlace
from hosttune.options import Options
from hosttune.workflows import opening, single_values

_OPEN = re.compile(r"(?<![\w./=-])(ROLE|UNIT|PID|NAME|HOST|HOST:PORT|ADDRESS|PORT|FILE|KEY|VALUE|CAUSE|N|R)(?![\w./-])")
"""Words that stand for what whoever prints a command should know."""


def hold(fixes: Iterable[Fix | Mapping[str, Any]], shell: bool = True) -> None:
    """Hold fixes, or what JSON says of them, to being accepted; without `shell` only by our own command line."""
    for fix in fixes:
        made = fix if isinstance(fix, Fix) else Fix(fix["text"], fix["command"], FixPlace(fix["place"]))
        for inside in re.findall(r"`((?:sudo )?hosttune [^`]*)`", made.text):
            _ours(inside)
        if not made.command:
            continue
        assert not _OPEN.search(made.command), f"it leaves open what it could say: {made.command}"
        assert not made.text.endswith((":", ";", ".")), f"what is pasted follows this: {made.text}"
        if made.place.typed:
            _typed(made.command, shell)


@cache
def _typed(command: str, shell: bool) -> None:
    words = shlex.split(command)
    if "hosttune" in words[:2]:
        assert words[0] in ("sudo", "hosttune"), command
        _ours(command)
    elif shell:
        done = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, check=False)
        assert not done.returncode, f"{command}: {done.stderr}"


@cache
def _ours(command: str) -> None:
    """Parse a command of ours as the command line does, with --dry-run where the verb has it; run nothing."""
    words = shlex.split(command)
    _, verb, *rest = words[words[0] == "sudo" :]
    parser = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]  # it is a group
    dry = ["--dry-run"] if any("--dry-run" in option.opts for option in parser.params) else []
    given = parser.make_context(verb, [*rest, *dry]).params
    if verb == "apply":
        options = Options(**{name: given[name] for name in ("service", "user", "pid") if given.get(name)})
        single_values.check(options, tuple(given["key"] or ()))
        single_values.profile(opening.open_profiles([], [])[0], tuple(given["key"] or ()), options)
