"""What is known of programs: profiles/programs/*.toml, and the files beside shelves that others have added."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

from hosttune.errors import ProfileError
from hosttune.model.programs import Deploy, Kind, KnownProgram, LogLine, Trait, Traits, bare
from hosttune.profile.load import shipped
from hosttune.programs import errno_texts, shelves
from hosttune.resolve import toml_file


def of(*programs: str) -> tuple[KnownProgram, ...]:
    """Return what is known of programs, named as a process, a unit or a path; raises ProfileError.

    Only files that have one of the names in them are parsed: most runs ask for one program.
    """
    wanted = {bare(name) for name in programs} - {""}
    quoted = [f"{quote}{name}{quote}" for name in wanted for quote in "\"'"]
    paths = [path for path in _paths() if any(name in path.read_text("utf-8") for name in quoted)] if wanted else []
    return tuple(known for known in map(_known, paths) if wanted.intersection(known.names))


def of_roles(roles: Collection[str]) -> tuple[KnownProgram, ...]:
    """Return the programs that carry the connections of some roles; raises ProfileError."""
    quoted = [f'"{role}"' for role in roles]
    paths = [path for path in _paths() if any(role in path.read_text("utf-8") for role in quoted)]
    return tuple(known for known in map(_known, paths) if known.deploy and set(known.deploy.roles).intersection(roles))


def every() -> tuple[KnownProgram, ...]:
    """Return all of them, those of one program before those of any; raises ProfileError."""
    return tuple(sorted(map(_known, _paths()), key=lambda known: (get_args(Kind).index(known.kind), known.name)))


def _paths() -> list[Path]:
    directories = [shipped() / "programs", *map(Path, shelves.__path__)]
    return [path for directory in directories for path in sorted(directory.glob("*.toml"))]


@cache
def _known(path: Path) -> KnownProgram:
    # our own are validated by the tests: pydantic's import would cost a fifth of a whole check
    ours = path.parent == shipped() / "programs"
    tables = toml_file.tables(path, "program", ProfileError, ours)
    if ours:
        return _spelt_out(built(tables))
    from hosttune.programs import schema

    return _spelt_out(schema.validated(str(path), tables))


def _spelt_out(known: KnownProgram) -> KnownProgram:
    return replace(known, log=tuple(map(errno_texts.spelt_out, known.log)))


def built(tables: dict[str, Any]) -> KnownProgram:
    """Return the program of a file that holds to the schema."""
    made = {name: _plain(value) for name, value in tables.items()}
    made["traits"] = Traits(**{name: Trait(**row) for name, row in tables.get("traits", {}).items()})
    made["deploy"] = Deploy(**_plain(tables["deploy"])) if "deploy" in tables else None
    made["log"] = tuple(LogLine(**_plain(row)) for row in tables.get("log", ()))
    return KnownProgram(**made)


def _plain(value: Any) -> Any:
    """Return a table's values as a dataclass has them."""
    if isinstance(value, dict):
        return {name: _plain(own) for name, own in value.items()}
    return tuple(value) if isinstance(value, list) else value
