"""A module is a plug-in and its file name is its key: no list of them exists anywhere else.

A plug-in need not lie in this package: a directory that is added to a package's `__path__` has plug-ins of it too.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import sys
from collections.abc import Callable, Collection
from types import ModuleType
from typing import Any


def names(package: str) -> tuple[str, ...]:
    """Return the keys of a package's plug-ins, sorted; modules whose name begins with `_` are none."""
    return _names(tuple(importlib.import_module(package).__path__))


def load(package: str, name: str) -> ModuleType:
    """Import one plug-in; raises KeyError when the package has no such key."""
    if name not in names(package):
        raise KeyError(name)
    return importlib.import_module(f"{package}.{name}")


def late(package: str, **parts: Collection[str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package whose names are imported once they are asked for.

    `parts` are its modules, each with the names that the package gives out of it; a module that has the name of one of
    them would take its place.
    """

    def of(name: str) -> Any:
        part = next((part for part, its in parts.items() if name in its), None)
        if part is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{package}.{part}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return of


@functools.cache  # a journal of a thousand records asks ten thousand times
def _names(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(m.name for m in pkgutil.iter_modules(path) if not m.name.startswith("_")))
