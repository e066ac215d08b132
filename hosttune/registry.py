"""A module is a plug-in and its file name is its key: no list of them exists anywhere else."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from types import ModuleType


@functools.cache  # a journal of a thousand records asks ten thousand times
def names(package: str) -> tuple[str, ...]:
    """Return the keys of a package's plug-ins, sorted; modules whose name begins with `_` are none."""
    found = importlib.import_module(package)
    return tuple(sorted(m.name for m in pkgutil.iter_modules(found.__path__) if not m.name.startswith("_")))


def load(package: str, name: str) -> ModuleType:
    """Import one plug-in; raises KeyError when the package has no such key."""
    if name not in names(package):
        raise KeyError(name)
    return importlib.import_module(f"{package}.{name}")
