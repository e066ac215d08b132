"""hosttune: is this host tuned for very many TCP connections, where will it stall, and will it stay so?

As a library: `hosttune.check(hosttune.Options(role="lb"))`, see `hosttune.api`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hosttune.api import (
        apply,
        apply_script,
        capacity,
        check,
        confirm,
        diagnose,
        emit,
        explain,
        fleet,
        history,
        plan,
        prove,
        report,
        resolve,
        rollback,
        snapshot,
        sources_add,
        sources_plan,
        sources_remove,
        watch,
    )
    from hosttune.errors import HosttuneError
    from hosttune.options import (
        ApplyOptions,
        Options,
        Place,
        Proving,
        RollbackOptions,
        SourceOptions,
        Stall,
        Watching,
    )

__version__ = "0.1.0"

__all__ = [
    "ApplyOptions",
    "HosttuneError",
    "Options",
    "Place",
    "Proving",
    "RollbackOptions",
    "SourceOptions",
    "Stall",
    "Watching",
    "apply",
    "apply_script",
    "capacity",
    "check",
    "confirm",
    "diagnose",
    "emit",
    "explain",
    "fleet",
    "history",
    "plan",
    "prove",
    "report",
    "resolve",
    "rollback",
    "snapshot",
    "sources_add",
    "sources_plan",
    "sources_remove",
    "watch",
]


def __getattr__(name: str) -> object:
    """Return a public name: whoever asks for the version alone waits for no other import."""
    import importlib

    if name not in __all__:
        raise AttributeError(f"module 'hosttune' has no attribute {name!r}")
    home = "api" if name.islower() else "errors" if name.endswith("Error") else "options"
    return getattr(importlib.import_module(f"hosttune.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """This package: an import of a sub-package must not take the place of the function that has its name."""

    capacity = property(lambda _: __getattr__("capacity"), lambda _, package: None)
    resolve = property(lambda _: __getattr__("resolve"), lambda _, package: None)


sys.modules[__name__].__class__ = _Package
