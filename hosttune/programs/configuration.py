"""The backends that a proxy's configuration names, and what else it says of the connections to them."""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

from hosttune import registry
from hosttune.errors import UsageError
from hosttune.host.owners import Doubt
from hosttune.model import Configuration
from hosttune.programs import looks
from hosttune.programs.given import SHELVES, Given, expanded

__all__ = ["Given", "Read", "read"]


class Read(NamedTuple):
    """What a program's files come to; `doubts` are what lets others than root write them (see `named_file`)."""

    configuration: Configuration
    doubts: tuple[Doubt, ...]


def read(given: Given) -> Read:
    """Return what the files come to, as the program reads them that their text shows; raises UsageError."""
    given = expanded(given)
    try:
        configuration: Configuration = _of(given).read(given)
    except UsageError as error:
        raise _of_template(given) or error from error
    return Read(configuration, tuple(given.doubts))


def _of_template(given: Given) -> UsageError | None:
    """Return what is wrong with files that were refused where one of them was never rendered."""
    for path in given.paths:
        if line := looks.template(given.texts.get(path, "")):
            what = "a template (Jinja, Helm) that was not rendered"
            return UsageError(f"{given.named} {path}:{line}: {what}; name the file that is made of it")
    return None


def _of(given: Given) -> ModuleType:
    """Return the program whose configuration the files are; raises UsageError where they are of several."""
    texts = [given.text(path) for path in given.paths]
    if given.program in registry.names(SHELVES) and hasattr(shelf := registry.load(SHELVES, given.program), "read"):
        return shelf
    if len(texts) == 1:
        return _shelf(given, *texts)
    known = ((_recognised(text), path) for path, text in zip(given.paths, texts, strict=True))
    whose = {shelf: path for shelf, path in known if shelf}
    if len(whose) > 1:
        (one, path), (other, another) = [*whose.items()][:2]
        programs = f"{path} is {_name(one)}'s, {another} is {_name(other)}'s"
        raise UsageError(f"{given.named}: {programs}; name the files of one program")
    return next(iter(whose), None) or _shelf(given, "\n".join(texts))


def _name(shelf: ModuleType) -> str:
    return shelf.__name__.rpartition(".")[2]


def _recognised(text: str) -> ModuleType | None:
    """Return the program whose configuration it is by its grammar, None where it may be any."""
    every = (registry.load(SHELVES, name) for name in registry.names(SHELVES))
    return next((shelf for shelf in every if hasattr(shelf, "recognises") and shelf.recognises(text)), None)


def _shelf(given: Given, text: str) -> ModuleType:
    """Return the program whose configuration it is; raises UsageError where it is none that is read."""
    if shelf := _recognised(text):
        return shelf
    every = (registry.load(SHELVES, name) for name in registry.names(SHELVES))
    kinds = ", ".join(_name(shelf) for shelf in every if hasattr(shelf, "read"))
    what = f"it looks like {looks.like(text)}; configurations of {kinds} are read, or name backends with --backend"
    raise UsageError(f"{given.named} {' '.join(given.paths)}: of no program that is known: {what}")
