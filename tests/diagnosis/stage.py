"""Make a stall, diagnose it with the real command line beside it, and take it away again.

A scene is a module of tests/diagnosis/scenes. It has `CAUSE`, what must be concluded ("" for a decoy, where
`DECOY_OF` is the cause that must not be), `WHERE` ("netns": in a network namespace of its own, "guest": in a virtual
machine, for what is global), maybe `NEEDS`, the programs that it runs, and `scene()`, a context that makes the stall
with real sockets or programs, yields the options that a person would add (none, where the host shows it all), and
cleans up.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from tests.diagnosis import made, scenes

Answer = tuple[int, str, str]


def names(where: str) -> list[str]:
    """Return the scenes that play in a namespace, or in a guest."""
    found = sorted(m.name for m in pkgutil.iter_modules(scenes.__path__) if not m.name.startswith("_"))
    return [name for name in found if where == load(name).WHERE]


def load(name: str) -> ModuleType:
    return importlib.import_module(f"tests.diagnosis.scenes.{name}")


def command(options: Sequence[str]) -> Answer:
    """Run the command line in a process of its own; return its exit code, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "hosttune", *options], cwd=made.ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def play(name: str, run: Callable[[Sequence[str]], Answer] = command) -> None:
    """Make the stall here, and print the diagnosis as JSON; for a process that is in a namespace of its own."""
    with load(name).scene() as options:
        code, out, said = run(["diagnose", "--format", "json", *options])
    if code not in (0, 1, 3):
        raise SystemExit(out + said)
    print(json.dumps({"exit": code, "found": json.loads(out)}))


def diagnosed(name: str) -> dict[str, Any]:
    """Return the diagnosis of a scene that is played in a new network namespace."""
    from tests.netns.sandbox import inside  # it takes pytest, which a guest has not got

    answer = json.loads(inside("tests.diagnosis.stage", "play", name, alone=True).splitlines()[-1])
    found: dict[str, Any] = answer["found"]
    return found


def verdict(found: dict[str, Any]) -> str:
    """Return the kind of the cause that was concluded, else the conclusion."""
    return str(found["causes"][0]["kind"] if found["conclusion"] == "cause" else found["conclusion"])
