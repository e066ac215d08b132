"""What a program's command line says of its configuration; each shelf takes its own command line apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hosttune import registry
from hosttune.model.programs import bare, known_as
from hosttune.programs import knowledge

_SHELVES = "hosttune.programs.shelves"


@dataclass(frozen=True, slots=True)
class Arguments:
    """The files that a command line names, and what else of it decides what they come to.

    `paths` are files and directories in order, as they are written: relative ones are meant from the program's working
    directory, `prefix` is the one that it is told to take, "" for its own. `overrides` are directives, as lines of its
    own grammar (nginx -g). `defaults` are the files that it reads where `paths` is empty. `environment`: what is set
    there decides as well. `enters`: the program changes its working directory to `prefix`.
    """

    paths: tuple[str, ...] = ()
    prefix: str = ""
    overrides: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    environment: bool = False
    enters: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """The files and directories that it reads, () where nothing is known of them."""
        return self.paths or self.defaults


def given_by(program: str, argv: Sequence[str]) -> Arguments:
    """Return what a command line names; without files where no shelf reads that program's.

    `program` is named as a process, a unit or a path, "" for argv[0]; `argv` begins with the program itself. A shelf
    has `command(argv) -> Arguments`, which never raises: what it does not know, it passes over.
    """
    if not argv:
        return Arguments()
    shelf = shelf_of(program or argv[0])
    command = getattr(registry.load(_SHELVES, shelf), "command", None) if shelf else None
    given: Arguments = command(tuple(argv)) if command else Arguments()
    return given


def shelf_of(program: str) -> str:
    """Return the shelf of a program that is named as a process, a unit or a path, "" where none is its."""
    name = bare(program)
    shelf = known_as(knowledge.of(name), name).name.replace("-", "_")
    return shelf if shelf in registry.names(_SHELVES) else ""
