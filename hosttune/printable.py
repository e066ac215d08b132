"""The one filter for text that comes from outside: what a terminal would obey, or not show, is never printed.

Names, lines of files, records, logs, options: whoever wrote them may have put an escape sequence, a change of direction
or a letter without width into them (Unicode Standard, chapter 23; UTR 36, 2.4 and 2.5).
"""

from __future__ import annotations

import dataclasses
import re
import shlex
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, TypeVar

MARK = "?"
"""What stands for a character that is left out."""

# letters and marks that are shown as nothing (Default_Ignorable_Code_Point); the others of them are Cf or Cn
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)

Noun = TypeVar("Noun")


def clean(text: str) -> str:
    """Return text as a part of one line: no control, format, private, unassigned or zero-width character, no newline.

    Lone surrogates go too, and so does all that XML cannot hold (XML 1.0, production 2). A tab becomes a blank.
    """
    if text.isprintable() and not _UNSEEN.search(text):
        return text
    return "".join(letter if shown(letter) else " " if letter == "\t" else MARK for letter in text)


def lines(text: str) -> str:
    """Return whole lines of ours: newlines and tabs stay, of all else what `clean` lets pass."""
    if "\n" not in text and "\t" not in text:
        return clean(text)
    return "\n".join("\t".join(map(clean, line.split("\t"))) for line in text.split("\n"))


def shown(letter: str) -> bool:
    """Say whether one character may be printed: it is assigned, has a width and gives a terminal no order."""
    # isprintable() is false for the categories C* and Z*; the blanks of Zs are no danger
    return (letter.isprintable() and not _UNSEEN.match(letter)) or unicodedata.category(letter) == "Zs"


def word(text: str) -> str:
    """Return a word of a command that can be pasted: quoted as shlex.quote does, or as $'...' has it in bash and POSIX.

    What cannot be printed stands there as octal numbers, each byte of it.
    """
    if clean(text) == text:
        return shlex.quote(text)
    marks = {"\\": "\\\\", "'": "\\'"}
    return "$'" + "".join(marks.get(letter, letter if shown(letter) else octal(letter)) for letter in text) + "'"


def words(given: Iterable[str]) -> str:
    """Return a command that can be pasted."""
    return " ".join(map(word, given))


def octal(letter: str) -> str:
    """Return the bytes of a character as octal numbers with a backslash each."""
    return "".join(f"\\{byte:03o}" for byte in letter.encode("utf-8", "surrogateescape"))


_FIELDS: dict[type, tuple[str, ...]] = {}
_BARE = {int, float, bool, type(None)}  # what has no text in it


def cleaned(noun: Noun, *kept: type) -> Noun:
    """Return a noun of the model with every text in it clean, however deep; what is clean already is not copied.

    Values of the types `kept` stay as they are.
    """
    return changed(noun, clean, *kept)


def changed(noun: Noun, change: Callable[[str], str], *kept: type) -> Noun:
    """Return a noun of the model with every text in it changed, however deep; what stays as it is is not copied.

    Values of the types `kept` stay as they are.
    """
    made = _changed(noun, change, kept)
    return noun if made is None else made


def _changed(value: Any, change: Callable[[str], str], kept: tuple[type, ...]) -> Any:
    """Return the changed value, None where it stays as it is."""
    if isinstance(value, str) and not isinstance(value, Enum):
        text = change(value)
        return None if text == value else text
    if type(value) in _BARE or isinstance(value, (int, float, Enum, *kept)):
        return None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _noun(value, change, kept)
    if isinstance(value, Mapping):
        names, items = _each(value, change, kept), _each(value.values(), change, kept)
        same = names is None and items is None
        return None if same else dict(zip(names or value, items or value.values(), strict=True))
    if isinstance(value, (tuple, list, frozenset, set)):
        items = _each(value, change, kept)
        return None if items is None else type(value)(items)
    return None


def _noun(noun: Any, change: Callable[[str], str], kept: tuple[type, ...]) -> Any:
    fields = {}
    for name in _names(type(noun)):
        value = getattr(noun, name)
        if type(value) not in _BARE and (text := _changed(value, change, kept)) is not None:
            fields[name] = text
    return dataclasses.replace(noun, **fields) if fields else None


def _names(noun: type) -> tuple[str, ...]:
    """Return the names of the fields of a noun; of thousands of one type they are looked up once."""
    if noun not in _FIELDS:
        _FIELDS[noun] = tuple(field.name for field in dataclasses.fields(noun) if field.init)
    return _FIELDS[noun]


def _each(values: Iterable[Any], change: Callable[[str], str], kept: tuple[type, ...]) -> list[Any] | None:
    """Return values of which at least one was changed, None where all stay as they are."""
    items = [_changed(value, change, kept) for value in values]
    if all(item is None for item in items):
        return None
    return [value if item is None else item for item, value in zip(items, values, strict=True)]
