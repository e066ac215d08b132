"""Read a TOML file that somebody wrote by hand: its tables, or one line that says where it is wrong."""

from __future__ import annotations

import copy
import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hosttune.errors import HostError, HosttuneError, UsageError
from hosttune.host import named_file
from hosttune.host.owners import Doubt

LARGEST = 1 << 20
_KEPT = 1 << 16
"""Letters of a text whose tables are kept, should it be read again."""


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A file's text and tables, and what lets others than root write it (see `named_file`)."""

    text: str
    tables: dict[str, Any]
    doubts: tuple[Doubt, ...]


def read(path: Path, kind: str, wrong: type[HosttuneError], ours: bool = False) -> TomlFile:
    """Return a file of some kind ("profile"), at most 1 MiB of UTF-8, within `toml_bounds`.

    Those that are `ours` are within the bounds, which the tests confirm: to count their words would take a twentieth
    of a whole check.

    Raises UsageError where it cannot be read, `wrong` where it is not TOML: FILE:LINE:COLUMN and what is wrong.
    """
    shown = _printed(str(path))
    try:
        given = named_file.read(str(path), LARGEST)
        text = given.data.decode("utf-8")
        small = len(text) <= _KEPT
        excess, parsed = _kept(text, ours) if small else _parsed(text, ours)
        if excess:
            raise wrong(f"{shown}:{excess[0]}: {excess[1]}, no {kind} has that; take it out")
        # tables that are kept stay as they are read
        return TomlFile(text, copy.deepcopy(parsed) if small else parsed, given.doubts)
    except HostError as error:
        why = named_file.why(error)
        if why.startswith("larger"):
            raise wrong(f"{shown}: {why}, not a {kind}") from error
        raise UsageError(f"{shown}: {why}; name a {kind} in TOML") from error
    except OSError as error:
        why = named_file.why(error)
        hint = "in TOML" if why in ("no such file", "a directory") else "that you may read"
        raise UsageError(f"{shown}: {why}; name a {kind} {hint}") from error
    except UnicodeDecodeError as error:
        raise wrong(f"{shown}: byte {error.start} is not UTF-8; save it as UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise wrong(_syntax(shown, text, str(error))) from error
    except (RecursionError, ValueError) as error:
        raise wrong(f"{shown}: cannot be read as TOML: {type(error).__name__}") from error


def _parsed(text: str, ours: bool) -> tuple[tuple[int, str] | None, dict[str, Any]]:
    """Return where a text is beyond `toml_bounds` and how, None where it is not; and its tables."""
    if not ours:
        from hosttune.resolve import toml_bounds

        if excess := toml_bounds.excess(text):
            return excess, {}
    return None, tomllib.loads(text)


# an apply reads the base of all profiles six times, and its text is the same
_kept = functools.lru_cache(maxsize=16)(_parsed)


def tables(path: Path, kind: str, wrong: type[HosttuneError], ours: bool = False) -> dict[str, Any]:
    """Return the tables of a file alone; raises as `read`."""
    return read(path, kind, wrong, ours).tables


def _printed(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def _syntax(path: str, text: str, message: str) -> str:
    where = re.search(r"\(at line (\d+), column (\d+)\)", message)
    # without a place it is the end of the document
    at = f":{where[1]}:{where[2]}" if where else f":{max(len(text.splitlines()), 1)}"
    what = message.partition(" (at ")[0].replace("\n", "\\n")
    return f"{path}{at}: not TOML: {what}"
