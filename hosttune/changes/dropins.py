"""Put settings into a file whose name really wins on this host, and name what stands in the way where none does."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from hosttune.changes import entries, written
from hosttune.changes.backends import directory
from hosttune.changes.draft import Draft
from hosttune.changes.planned import Planned
from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Change, FileState

NAMES = ("90-hosttune", "99-hosttune", "99-zz-hosttune", "zz-hosttune", "zzzz-hosttune", "~~hosttune")
"""Names to try, in order: the first that is read late enough to win. Loaders sort them as bytes."""

Resolved = dict[str, tuple[str, str]]
"""The value of each setting at boot ("" for none), and a sentence on where that comes from."""

Lines = dict[str, entries.Line]
"""By what the line sets, in the order in which they are written."""

Blocker = Callable[[Planned], str]
"""Return what keeps the settings from winning on a host that holds them, "" where they win."""

Others = Callable[[Planned, Collection[str]], object]
"""Return what comes of all that was not asked for, to be compared; the settings are those of our files."""

# a file of ours would mask one of the same name there: sysctl.d(5), systemd.unit(5), and pam_limits' vendor directory
_SIBLINGS = ("/run", "/usr/local/lib", "/usr/lib", "/lib", "/usr/etc")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a kind of file goes: its directory, what a line sets (group 1 of `key`), its section, how lines are sorted.

    `resolve(host, path, settings)` returns what settings of a file come to at the next boot or login.
    """

    folder: str
    key: re.Pattern[str]
    section: str = ""
    order: Callable[[str], Any] | None = None
    resolve: Callable[[Host, str, Collection[str]], Resolved] | None = None


def place(draft: Draft, where: Place, wanted: Lines, blocker: Blocker, others: Others, serves: tuple[str, ...]) -> bool:
    """Give the settings the first name that wins, and say whether there is one; else refuse with what wins.

    Whatever else is set stays as it is: files of ours under other names are joined into the one where that changes
    nothing, else they are left where they are, and the file holds only what is required. Files of other owners, and
    files of ours that hold a line which the journal does not know, are never touched; the latter are noted.
    """
    if not wanted:
        return False
    present = _ours(draft, where)
    known = {key for state in present.values() for key in entries.parse(state.text, where.key)} | set(wanted)
    before = others(draft.future, known)
    why = ""
    for changes in _attempts(draft.future, where, wanted, present, serves):
        after = draft.future.with_(changes)
        blocked = blocker(after)
        why = blocked or why
        if not blocked and others(after, known) == before:
            draft.add(changes)
            return True
    draft.refusals.append(why or f"{where.folder}: every name that hosttune would use is taken")
    return False


def _attempts(
    world: Planned, where: Place, wanted: Lines, present: dict[str, FileState], serves: tuple[str, ...]
) -> Iterator[list[Change]]:
    """Return the changes that give the settings each name in turn, joined with other files of ours and alone."""
    kept = {path: entries.parse(state.text, where.key) for path, state in present.items()}
    joined = {key: line for lines in kept.values() for key, line in lines.items()}
    for path in dict.fromkeys([*present, *(f"{where.folder}/{name}.conf" for name in NAMES)]):
        if path not in present and _taken(world, path):
            continue
        made = directory.made(world, path, serves)
        before = present.get(path)
        like = before or next(iter(present.values()), None)
        for lines, gone in ((joined, [old for old in present if old != path]), (kept.get(path, {}), [])):
            text = entries.render(_sorted(lines | wanted, where), where.section, like.text if like else "")
            change = Change("file", path, before, entries.file_state(text, like), serves)
            yield [*made, change, *(Change("file", old, present[old], None, serves) for old in gone)]


def _sorted(lines: Lines, where: Place) -> Lines:
    return lines if where.order is None else {key: lines[key] for key in sorted(lines, key=where.order)}


def _taken(world: Planned, path: str) -> bool:
    """Say whether somebody else has a file under a name that says hosttune, here or where ours would mask it."""
    below = path.removeprefix("/etc")
    return bool(world.glob(path)) or any(world.glob(f"{top}{below}") for top in _SIBLINGS)


def _ours(draft: Draft, where: Place) -> dict[str, FileState]:
    """Return the files that are ours alone, by path, in the order in which they are read; a link never is."""
    planned = draft.future.states("file")
    states: dict[str, FileState] = {}
    for path in draft.future.glob(f"{where.folder}/*hosttune.conf"):
        try:
            state = draft.future.state(path)
        except HostError:
            continue
        if state is None or not entries.is_ours(state.text):
            continue
        unknown = "" if path in planned else written.stranger(path, state.text, draft.facts.written)
        if unknown:
            why = "no apply in force has written that (`hosttune history`), so the file is taken for somebody else's"
            draft.notes.append(f"{path} is left alone: it says {unknown!r}: {why}")
        elif not entries.has_more(state.text, where.key, where.section):
            states[path] = state
    return states
