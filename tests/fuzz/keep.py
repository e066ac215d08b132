"""Make a failing input small, keep it in a file, and run such a file again."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.fuzz import worker
from tests.fuzz.part import Given, Part

SCHEMA = "hosttune/fuzz/1"
_TRYING = 20.0
"""Seconds that a failure is made smaller for."""


def small(part: Part, given: Given, where: str) -> Given:
    """Return a smaller input that fails at the same place, or the same one."""
    if where == "hangs" or where.startswith("ends with"):
        return given
    found = worker.apart(lambda: _smaller(given, lambda one: _fails(part, one, where)), _TRYING + worker.SECONDS)
    return given if found is None else found


def _fails(part: Part, given: Given, where: str) -> bool:
    wrong = worker.attempt(part, given)[1]
    return wrong is not None and wrong[0] == where


def _smaller(given: Any, fails: Callable[[Any], bool]) -> Any:
    end = time.monotonic() + _TRYING
    again = True
    while again:
        again = False
        for one in _less(given):
            if time.monotonic() > end:
                return given
            if fails(one):
                given, again = one, True
                break
    return given


def _less(value: Any) -> Iterator[Any]:
    """Yield values with a part left out, large parts first."""
    if isinstance(value, str):
        yield from _pieces(value, "")
    elif isinstance(value, list):
        yield from _pieces(value, [])
        for at, one in enumerate(value):
            yield from ([*value[:at], less, *value[at + 1 :]] for less in _less(one))
    elif isinstance(value, dict):
        keys = list(value)
        for some in _pieces(keys, []):
            yield {key: value[key] for key in some}
        for key, one in value.items():
            yield from ({**value, key: less} for less in _less(one))


def _pieces(value: Any, empty: Any) -> Iterator[Any]:
    size = len(value)
    while size:
        for at in range(0, len(value), size):
            yield value[:at] + value[at + size :]
        size //= 2


def save(directory: Path, failed: worker.Failed, given: Given, seed: str) -> Path:
    """Write a failure into a file of the directory, and return it."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", failed.part).strip("-").lower()
    path = directory / f"{name}-{hashlib.sha256(failed.where.encode()).hexdigest()[:8]}.json"
    directory.mkdir(parents=True, exist_ok=True)
    told = {"schema": SCHEMA, "part": failed.part, "seed": seed, "number": failed.number}
    told |= {"where": failed.where, "text": failed.text, "input": given}
    path.write_text(json.dumps(told, indent=1) + "\n")
    return path


def load(path: Path) -> tuple[str, Given]:
    """Return the part and the input of a file; raises ValueError where it is none."""
    told = json.loads(path.read_text())
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        raise ValueError(f"{path}: no failure that was kept by tests.fuzz")
    return str(told["part"]), told["input"]
