"""Find profiles and turn them into plain rows.

A role's name is looked up in the local directories first and then among those that ship with hosttune. A profile
that `extends` its own name extends the next one in that order.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hosttune import counts
from hosttune.errors import ProfileError, UsageError
from hosttune.facts import kinds
from hosttune.host import named_file, path_walk
from hosttune.host.owners import Doubt
from hosttune.profile.built_in import NAME, names
from hosttune.profile.built_in import directory as shipped
from hosttune.resolve import toml_file

__all__ = ["Profile", "Row", "document", "load", "load_file", "names", "shipped"]

COUNTS = {"connections", "rate", "hold", "own_descriptors", "bytes_in_flight", "message_size", "application_memory"}
"""Keys of a workload that are counts, each as a person writes it."""
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Row:
    """One `[[require]]` table, as written, and where it stands."""

    subject: str
    table: dict[str, Any]
    origin: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A role: its own and its inherited rows in order, base first; `workload` holds its defaults, `why` their reasons.

    `numbers` says where the figures of the workload come from.

    `service_raises_nofile`: the service's program raises its own soft limit to the hard one. `doubts` are what lets
    others than root write its file or one that it extends.
    """

    name: str
    title: str
    service: str
    service_raises_nofile: bool
    workload: dict[str, Any]
    rows: tuple[Row, ...]
    about: dict[str, dict[str, Any]]
    why: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()


def load(name: str, directories: Sequence[Path] = ()) -> Profile:
    """Return the profile of that name; raises UsageError where there is none, ProfileError where it is wrong."""
    return _profile(_find(name, [*directories, shipped()], "--role"), directories)


def load_file(path: Path, directories: Sequence[Path] = ()) -> Profile:
    """Return the profile in a file of one's own; raises UsageError or ProfileError."""
    return _profile(path, directories)


def _profile(path: Path, directories: Sequence[Path]) -> Profile:
    profile = _build(path, [*directories, shipped()], ())
    # in a directory that others can write a file may come or go, and a name mean another profile
    places = [doubt for directory in directories for doubt in path_walk.doubts_about(str(directory))]
    return replace(profile, doubts=tuple(dict.fromkeys([*profile.doubts, *places])))


def document(path: Path) -> dict[str, Any]:
    """Return a profile file's tables, checked against the schema; raises UsageError or ProfileError."""
    return _document(path).tables


def _document(path: Path) -> toml_file.TomlFile:
    # our own are validated by the tests: pydantic's import would cost a fifth of a whole check
    ours = path.resolve().parent == shipped()
    file = toml_file.read(path, "profile", ProfileError, ours)
    if not ours:
        from hosttune.profile import schema

        schema.validate(str(path), file.tables)
        _count(file.tables)
    return file


def _count(tables: dict[str, Any]) -> None:
    """Put numbers in place of the counts of a workload that are written as "1M" or 1e6."""
    workload = tables.get("workload", {})
    for key in COUNTS & workload.keys():
        workload[key] = counts.written(workload[key])


def _find(name: str, directories: Sequence[Path], option: str) -> Path:
    if NAME.fullmatch(name.lower()):
        name = name.lower()
        for directory in directories:
            path = directory / f"{name}.toml"
            if _there(path):
                return path
    import difflib

    there = names(directories[:-1])
    near = difflib.get_close_matches(name.lower(), there, 1)
    hint = f"did you mean {near[0]}? There are" if near else "there are"
    raise UsageError(f"{option} {name!r}: no such profile; {hint} {', '.join(there)}")


def _there(path: Path) -> bool:
    """Say whether a name is taken, by a file or not; raises UsageError where that cannot be seen.

    What cannot be read is not passed over: the profile that ships is not what was meant then.
    """
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        why = f"{named_file.why(error)}; make it readable, or move it away"
        raise UsageError(f"{path}: {why}") from error
    return True


def _build(path: Path, directories: Sequence[Path], below: tuple[Path, ...]) -> Profile:
    if path in below or len(below) > _DEEPEST:
        raise ProfileError(f"{path}: profile: extends: goes in a circle through {' -> '.join(p.stem for p in below)}")
    file = _document(path)
    tables = file.tables
    head = tables["profile"]
    rows: list[Row] = []
    doubts = list(file.doubts)
    workload: dict[str, Any] = {}
    about: dict[str, dict[str, Any]] = {}
    why: dict[str, str] = {}
    numbers: dict[str, str] = {}
    service, raises = "", False
    for base in head.get("extends", []):
        beyond = directories
        if base == path.stem and path.parent in directories:
            beyond = directories[list(directories).index(path.parent) + 1 :]
        parent = _build(_find(base, beyond, f"{path}: profile: extends"), directories, (*below, path))
        rows.extend(parent.rows)
        doubts.extend(parent.doubts)
        workload.update(parent.workload)
        about.update(parent.about)
        why.update(parent.why)
        numbers.update(parent.numbers)
        service, raises = (parent.service, parent.service_raises_nofile) if parent.service else (service, raises)
    own = dict(tables.get("workload", {}))
    why.update(own.pop("why", {}))
    numbers.update(own.pop("number_source", {}))
    workload.update(own)
    about.update({kinds.spelled(name): description for name, description in tables.get("about", {}).items()})
    for number, row in enumerate(tables.get("require", []), 1):
        rows.append(Row(kinds.spelled(row["subject"]), row, f"{path.name}: require {number}"))
    return Profile(
        name=head["name"],
        title=head["title"],
        service=head.get("service", service),
        service_raises_nofile=head.get("service_raises_nofile", raises and "service" not in head),
        workload=workload,
        rows=tuple(rows),
        about=about,
        why=why,
        numbers=numbers,
        doubts=tuple(dict.fromkeys(doubts)),
    )
