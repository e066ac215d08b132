"""hosttune: is this host tuned for very many TCP connections, where will it stall, and will it stay so?

A profile says what is required, the host says what is, findings compare them, capacity says what it would carry,
changes make it so or undo it, and a view says it. The folders read in that order, and data only flows that way:

model      the nouns; kernel, errors, options, addresses, ports, printable, registry beside it
host       touch the machine: files, kernel answers, writes      resolve    what its files will make of it at a boot
profile    what should be                                        facts      what is, now and at a boot
findings   compare      capacity   bounds      diagnosis  causes      programs   what is known of a program
planning   a whole path of tiers      watching   the same on a clock      proofs     the real kernel, in a namespace
changes    plan, journal, write, undo      render     a noun as a document, in each format      hooks      for others
workflows  gather and join      api        what they give, typed; it prints nothing
terminal   output and asking    commands, cli    options -> api -> terminal

As a library: `hosttune.check(hosttune.Options(role="lb"))`, see `hosttune.api`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hosttune.api import (
        apply,
        apply_emit,
        apply_script,
        capacity,
        check,
        confirm,
        diagnose,
        diff,
        emit,
        explain,
        fleet,
        history,
        node,
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

__version__ = "1.0.0"

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
    "apply_emit",
    "apply_script",
    "capacity",
    "check",
    "confirm",
    "diagnose",
    "diff",
    "emit",
    "explain",
    "fleet",
    "history",
    "node",
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
