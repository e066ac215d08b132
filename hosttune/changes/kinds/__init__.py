"""What can be written of a host: a kind of subject is a module here, and its file name the kind, as `check` judges it.

`changes(draft)` adds the changes that make its subjects what they shall be (changes/draft.py). A module may have beside
it, else what stands in brackets holds:
- `rows(draft)`: says, before anything is written down, what each subject shall be, and refuses what must not be (none)
- RANK: its place among the kinds; a later one stands on the earlier ones (after those that have one)
- ONLY: the names by which `--only` knows it (its own)
- PLACES: the files of settings that it keeps (changes/dropins.py) (none)
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from hosttune import registry

if TYPE_CHECKING:
    from hosttune.changes.draft import Draft
    from hosttune.changes.dropins import Place

_LAST = 100


def plan(draft: Draft) -> None:
    """Plan all kinds, each of them knowing what all the others want."""
    for kind in _ordered():
        if hasattr(kind, "rows"):
            kind.rows(draft)
    for kind in _ordered():
        kind.changes(draft)


def only() -> tuple[str, ...]:
    """Return the names that `--only` takes."""
    return tuple(dict.fromkeys(name for kind in _ordered() for name in getattr(kind, "ONLY", (_name(kind),))))


def places() -> list[Place]:
    """Return the places of all the files of settings."""
    return [place for kind in _ordered() for place in getattr(kind, "PLACES", ())]


def _ordered() -> list[ModuleType]:
    modules = [registry.load(__name__, name) for name in registry.names(__name__)]
    return sorted(modules, key=lambda kind: (getattr(kind, "RANK", _LAST), _name(kind)))


def _name(kind: ModuleType) -> str:
    return kind.__name__.rpartition(".")[2]
