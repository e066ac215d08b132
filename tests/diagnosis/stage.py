"""Make a stall, diagnose it with the real command line beside it, and take it away again.

A scene is a module of tests/diagnosis/scenes. It has `CAUSE`, what must be concluded ("" for a decoy, where
`DECOY_OF` is the cause that must not be), `WHERE` ("netns": in a network namespace of its own, "guest": in a virtual
machine, for what is global), maybe `NEEDS`, the programs that it runs, and `scene()`, a context that makes the stall
with real sockets or programs, yields the options that a person would add (none, where the host shows it all), and
cleans up. Options that are a `made.Stall` say how the fix is tried.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, cast

from hosttune.model import FixPlace
from tests.diagnosis import made, scenes

Answer = tuple[int, str, str]
Tried = dict[str, str]
"""What a fix was, as it was printed, and its `outcome`: "gone", or "moved to ..." where another bound is next."""

_APART = 'for d in /var/lib /etc/sysctl.d /etc/systemd/system; do mount -t tmpfs none $d || exit 99; done; exec "$@"'
"""What an apply writes is lost with its mount namespace: a scene is about the kernel, not about files."""


def names(where: str) -> list[str]:
    """Return the scenes that play in a namespace, or in a guest."""
    found = sorted(m.name for m in pkgutil.iter_modules(scenes.__path__) if not m.name.startswith("_"))
    return [name for name in found if where == load(name).WHERE]


def load(name: str) -> ModuleType:
    return importlib.import_module(f"tests.diagnosis.scenes.{name}")


def command(options: Sequence[str]) -> Answer:
    """Run the command line in a process of its own; return its exit code, and what it printed."""
    apart = ["unshare", "-m", "sh", "-c", _APART, "sh"] if options[0] in ("apply", "rollback") else []
    line = [*apart, sys.executable, "-m", "hosttune", *options]
    done = subprocess.run(line, cwd=made.ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def play(name: str, run: Callable[[Sequence[str]], Answer] = command) -> None:
    """Make the stall here, and print the diagnosis as JSON; for a process that is in a namespace of its own."""
    tried: Tried | None = None
    with load(name).scene() as options:
        code, out, said = run(["diagnose", "--format", "json", *options])
        if code not in (0, 1, 3):
            raise SystemExit(out + said)
        found = json.loads(out)
        if isinstance(options, made.Stall) and verdict(found) == load(name).CAUSE:
            tried = attempt(found["causes"][0], options, run)
    print(json.dumps({"exit": code, "found": found, "tried": tried}))


def attempt(cause: dict[str, Any], stall: made.Stall, run: Callable[[Sequence[str]], Answer]) -> Tried:
    """Do what the first fix for this place says, as it is printed, make the load again, and say what came of it.

    Beside what is printed only the question is answered that `apply` asks, and sudo is left out: this is root.
    """
    fix = next((fix for fix in cause["fixes"] if fix["place"] in stall.places), None)
    if fix is None:
        return {"fix": "", "outcome": f"no fix for {', '.join(stall.places)} among {cause['fixes']}"}
    applied, words = False, shlex.split(fix["command"])
    if FixPlace(fix["place"]).typed:
        words = words[words[0] == "sudo" :]
        applied = words[0] == "hosttune"
        code, out, said = run([*words[1:], "--yes"]) if applied else _plain(words)
        if code:
            return {"fix": fix["command"], "outcome": f"exit {code}: {out} {said}"}
    stall.after(fix["command"])
    outcome = stall.gone()
    if applied:
        run(["rollback", "--yes"])
    return {"fix": fix["command"], "outcome": outcome}


def _plain(words: Sequence[str]) -> Answer:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def diagnosed(name: str) -> dict[str, Any]:
    """Return what a scene comes to that is played in a new network namespace: its diagnosis, and what its fix did."""
    from tests.netns.sandbox import inside  # it takes pytest, which a guest has not got

    answer = json.loads(inside("tests.diagnosis.stage", "play", name, alone=True).splitlines()[-1])
    return cast(dict[str, Any], answer)


def verdict(found: dict[str, Any]) -> str:
    """Return the kind of the cause that was concluded, else the conclusion."""
    return str(found["causes"][0]["kind"] if found["conclusion"] == "cause" else found["conclusion"])
