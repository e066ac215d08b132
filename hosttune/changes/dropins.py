"""Put settings into a file whose name really wins on this host, and name what stands in the way where none does."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from hosttune.changes import entries, written
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

Others = Callable[[Planned, Collection[str]], object]
"""Return what comes of all that was not asked for, to be compared; the settings are those of our files."""

# a file of ours would mask one of the same name there: sysctl.d(5), systemd.unit(5), and pam_limits' vendor directory
_SIBLINGS = ("/run", "/usr/local/lib", "/usr/lib", "/lib", "/usr/etc")


def place(
    world: Planned,
    where: Place,
    wanted: dict[str, entries.Setting],
    blocker: Blocker,
    others: Others,
    serves: tuple[str, ...],
    known_lines: written.Written = None,
    notes: list[str] | None = None,
) -> tuple[list[Change], str]:
    """Return the changes that give the settings the first name that wins; or none, and the sentence on what wins.

    Whatever else is set stays as it is: files of ours under other names are joined into the one where that changes
    nothing, else they are left where they are, and the file holds only what is wanted. Files of other owners, and
    files of ours that hold a line which is not among `known_lines`, are never touched; `notes` are told of the latter.
    """
    present = _ours(world, where, known_lines, [] if notes is None else notes)
    kept = {path: entries.parse(state.text, where.key) for path, state in present.items()}
    known = {key for settings in kept.values() for key in settings} | set(wanted)
    before = others(world, known)
    said = ""
    for name in dict.fromkeys([*(path.rpartition("/")[2] for path in present), *(f"{n}.conf" for n in where.names)]):
        path = f"{where.folder}/{name}"
        if path not in present and _taken(world, where.folder, name):
            continue
        joined = {key: setting for settings in kept.values() for key, setting in settings.items()}
        for settings, gone in ((joined, [old for old in present if old != path]), (kept.get(path, {}), [])):
            changes = _changes(path, present, gone, _in_order(where, settings | wanted), where, world, serves)
            after = world.with_(changes)
            blocked = blocker(after, wanted)
            said = blocked or said
            if not blocked and others(after, known) == before:
                return changes, ""
    return [], said or f"{where.folder}: every name that hosttune would use is taken"


def _taken(world: Planned, folder: str, name: str) -> bool:
    """Say whether somebody else has a file under a name that says hosttune, here or where ours would mask it."""
    below = folder.removeprefix("/etc")
    return bool(world.glob(f"{folder}/{name}")) or any(world.glob(f"{top}{below}/{name}") for top in _SIBLINGS)


def _in_order(where: Place, settings: dict[str, entries.Setting]) -> dict[str, entries.Setting]:
    if where.folder != "/etc/sysctl.d":
        return settings
    return dict(sorted(settings.items(), key=lambda item: _sysctl_order(item[0])))


def _sysctl_order(key: str) -> tuple[int, str]:
    from hosttune.changes.order import rank_of_key

    return rank_of_key(key)


def _ours(world: Planned, where: Place, known: written.Written, notes: list[str]) -> dict[str, FileState]:
    """Return the files that are ours alone, by path, in the order in which they are read; a link never is."""
    planned = world.states("file")
    found: dict[str, FileState] = {}
    for path in world.glob(f"{where.folder}/*hosttune.conf"):
        try:
            state = world.state(path)
        except HostError:
            continue
        if state is None or not entries.is_ours(state.text):
            continue
        unknown = "" if path in planned else written.stranger(path, state.text, known)
        if unknown:
            said = "no apply in force has written that (`hosttune history`), so the file is taken for somebody else's"
            notes.append(f"{path} is left alone: it says {unknown!r}: {said}")
        elif not entries.has_more(state.text, where.key, where.section):
            found[path] = state
    return found


def _changes(
    path: str,
    present: dict[str, FileState],
    gone: list[str],
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
    made += [Change("file", old, present[old], None, serves) for old in gone]
    return made
