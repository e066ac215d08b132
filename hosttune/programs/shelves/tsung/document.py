"""A tsung.xml as a tree with its lines: nothing outside of it is ever read, and no entity is expanded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from hosttune.errors import UsageError

_DEEPEST = 200
_ELEMENTS = 500_000


@dataclass(slots=True)
class Element:
    """An element; `where` is file:line."""

    name: str
    where: str
    attributes: dict[str, str] = field(default_factory=dict)
    within: list[Element] = field(default_factory=list)

    def each(self, *names: str) -> Iterator[Element]:
        """Yield the elements of a name directly within it."""
        return (element for element in self.within if element.name in names)

    def first(self, name: str) -> Element:
        """Return the first of a name, an empty one where there is none."""
        return next(self.each(name), Element(name, self.where))

    def get(self, name: str, default: str = "") -> str:
        return self.attributes.get(name, default).strip()

    def number(self, name: str, default: float = 0) -> float:
        """Return a number of an attribute, the default for what is none; at most 1e12, no less than 0."""
        try:
            value = float(self.get(name))
        except ValueError:
            return default
        return min(max(value, 0.0), 1e12) if value == value else default


def read(path: str, text: str, notes: list[str]) -> Element:
    """Return the root; raises UsageError `file:line` for what is no XML, or nested too deep, or declares text.

    The DTD that DOCTYPE names is not fetched, nor are entities that are files of their own: those are notes.
    """
    parser = expat.ParserCreate()
    root: list[Element] = []
    open_: list[Element] = []
    count = 0

    def where() -> str:
        return f"{path}:{parser.CurrentLineNumber}"

    def refuse(what: str) -> NoReturn:
        raise UsageError(f"{where()}: {what}")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > _ELEMENTS or len(open_) >= _DEEPEST:
            refuse(f"more than {_ELEMENTS:,} elements, or nested deeper than {_DEEPEST}; name a smaller file")
        element = Element(name, where(), attributes)
        (open_[-1].within if open_ else root).append(element)
        open_.append(element)

    def declare(name: str, parameter: bool, value: str | None, base: object, system: str | None, *_: object) -> None:
        if value is not None:
            refuse(f"declares the entity {name}, and none is expanded; write its text where it is used")
        notes.append(f"{where()}: entity {name} is the file {system}, which is not read")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_.pop()
    parser.EntityDeclHandler = declare
    try:
        parser.Parse(text.encode("utf-8", "surrogateescape"), True)
    except expat.ExpatError as error:
        raise UsageError(
            f"{path}:{error.lineno}: {expat.ErrorString(error.code)}; fix it, xmllint shows where"
        ) from error
    except (LookupError, ValueError, UnicodeError) as error:
        raise UsageError(f"{path}: its encoding is not known; save it as UTF-8") from error
    return root[0]
