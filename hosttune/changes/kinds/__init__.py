"""One file a kind of subject that can be written: its name is the kind, as `check` judges it.

`rows(draft)` says from the findings what each subject shall be and refuses what must not be; `changes(draft)` then
writes down the changes. RANK is the place of a kind in both: a later one stands on the earlier ones. ONLY are the names
by which `--only` knows it. PLACES are the files of settings that it keeps (changes/dropins.py).
"""

from __future__ import annotations

from types import ModuleType

from hosttune import registry
from hosttune.changes.dropins import Place


def ordered() -> list[ModuleType]:
    """Return the kinds in the order in which they are planned."""
    found = [registry.load(__name__, name) for name in registry.names(__name__)]
    return sorted(found, key=lambda kind: (kind.RANK, kind.__name__))


def only() -> tuple[str, ...]:
    """Return the names that `--only` takes."""
    return tuple(dict.fromkeys(name for kind in ordered() for name in kind.ONLY))


def places() -> list[Place]:
    """Return the places of all the files of settings."""
    return [place for kind in ordered() for place in kind.PLACES]
