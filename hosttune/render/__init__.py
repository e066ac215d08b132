"""Show a noun of the model in a format: `render` finds its view by its type, and the format by name.

A view is a file in `view/`, named as the type of its noun is: what a `Report` says is in `view/report.py`, whose
`document(noun, verbose)` returns a Document. A format of any noun is a file in `formats/` that writes a Document; one
that is of one noun only is a file in a folder named after that, as `of_report/junit.py`. None is listed anywhere.
"""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType
from typing import Any

from hosttune import registry
from hosttune.render.page import Page
from hosttune.spelling import PLAIN, Spelling

FORMATS = "hosttune.render.formats"
VIEWS = "hosttune.render.view"


def render(
    noun: Any,
    format: str,
    *,
    verbose: bool = False,
    color: bool = False,
    width: int = 80,
    unicode: bool = True,
    spelling: Spelling = PLAIN,
) -> str:
    """Return the text of a noun in a format; raises UsageError where it has no such format.

    Colour, width and letters beyond ASCII matter to what is made for a terminal only; `spelling` is how commands stand
    in what is made for a person.
    """
    kind, page = type(noun), Page(verbose, color, width, unicode)
    module = format_module(kind, format)
    if hasattr(module, "write"):
        from hosttune.printable import cleaned
        from hosttune.render import commands

        view = view_of(kind)
        # a view of what has lines of its own makes them safe itself; KEPT are types of which only some have
        given = noun if getattr(view, "LINES", False) else cleaned(noun, *getattr(view, "KEPT", ()))
        return str(module.write(commands.spelled(cleaned(view.document(given, verbose)), spelling), page))
    return str(module.render(noun, page))


def formats_of(noun: type | str) -> tuple[str, ...]:
    """Return the names of all formats that a noun has, that for a person first; a type may be given by its name.

    No format is imported for it.
    """
    every = {*registry.names(FORMATS), *registry.names(_own(noun))}
    return tuple(sorted(every, key=lambda name: (name != "table", name)))


def check_format(noun: type | str, name: str) -> None:
    """Raise UsageError where a noun has no format of this name."""
    known = formats_of(noun)
    if name not in known:
        from hosttune.errors import UsageError

        raise UsageError(f"--format {name}: unknown; choose {', '.join(known[:-1])} or {known[-1]}")


def format_module(noun: type | str, name: str) -> ModuleType:
    """Return the module of a format; raises UsageError where the noun has no such format."""
    check_format(noun, name)
    own = _own(noun)
    return registry.load(own if name in registry.names(own) else FORMATS, name)


def view_of(noun: type | str) -> ModuleType:
    """Return the view of a noun; raises KeyError where it has none."""
    return registry.load(VIEWS, name_of(noun))


def _own(noun: type | str) -> str:
    """Return the package of the formats that only this noun has, or that of those of all where there is none."""
    name = f"hosttune.render.of_{name_of(noun)}"
    return name if importlib.util.find_spec(name) else FORMATS


def name_of(noun: type | str) -> str:
    """Return the name of the view of a noun, and of what is for it alone."""
    name = noun if isinstance(noun, str) else noun.__name__
    return re.sub(r"(?<=.)([A-Z])", r"_\1", name).lower()
