"""Put settings into a file whose name really wins on this host, and name what stands in the way where none does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from hosttune.changes import entries
from hosttune.changes.backends import directory
from hosttune.changes.planned import Planned
from hosttune.errors import HostError
from hosttune.model import Change, FileState


@dataclass(frozen=True, slots=True)
class Place:
    """Where a kind of file goes: its directory, what a line sets (`key`), its section, its names in order."""

    folder: str
    key: re.Pattern[str]
    section: str = ""
    names: tuple[str, ...] = entries.NAMES


Blocker = Callable[[Planned, dict[str, entries.Setting]], str]
"""Return what keeps the settings from winning on a host that holds them, "" where they win."""


def place(
    world: Planned, where: Place, wanted: dict[str, entries.Setting], blocker: Blocker, serves: tuple[str, ...]
) -> tuple[list[Change], str]:
    """Return the changes that give the settings the first name that wins; or none, and the sentence on what wins.

    What an earlier apply has put there stays, unless it is set anew; a file of ours under a name that no longer
    wins is moved. Files of other owners are never touched.
    """
    present = _ours(world, where)
    settings: dict[str, entries.Setting] = {}
    for state in present.values():
        settings |= entries.parse(state.text, where.key)
    settings |= wanted
    if where.folder == "/etc/sysctl.d":
        settings = dict(sorted(settings.items(), key=lambda item: _sysctl_order(item[0])))
    said = ""
    for name in dict.fromkeys([*(path.rpartition("/")[2] for path in present), *(f"{n}.conf" for n in where.names)]):
        path = f"{where.folder}/{name}"
        if path not in present and world.glob(path):
            continue  # somebody else's, under a name that says hosttune
        changes = _changes(path, present, settings, where, world, serves)
        said = blocker(world.with_(changes), wanted)
        if not said:
            return changes, ""
    return [], said or f"{where.folder}: every name that hosttune would use is taken"


def _sysctl_order(key: str) -> tuple[int, str]:
    from hosttune.changes.order import rank_of_key

    return rank_of_key(key)


def _ours(world: Planned, where: Place) -> dict[str, FileState]:
    """Return the files of ours that are there, by path; a link or a device is never ours."""
    found: dict[str, FileState] = {}
    for path in world.glob(f"{where.folder}/*hosttune.conf"):
        try:
            state = world.state(path)
        except HostError:
            continue
        if state is not None and entries.is_ours(state.text):
            found[path] = state
    return found


def _changes(
    path: str,
    present: dict[str, FileState],
    settings: dict[str, entries.Setting],
    where: Place,
    world: Planned,
    serves: tuple[str, ...],
) -> list[Change]:
    before = present.get(path)
    like = before or next(iter(present.values()), None)
    text = entries.render(settings, where.section, like.text if like else "")
    after = entries.file_state(text, like)
    made = [Change("directory", d, None, directory.PRESENT, serves) for d in directory.missing(world, path)]
    made.append(Change("file", path, before, after, serves))
    made += [Change("file", old, state, None, serves) for old, state in present.items() if old != path]
    return made
