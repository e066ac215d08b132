"""What a container lacks, as options or as a file of what makes it: a format is a module here, its file name the key.

A format has
- COMMENT: what begins a comment line in it, "" where there are none
- `lines(lacks, name)`: the options or the file; `name` is what the container or its service is called there
- `head(lacks, name)`: for comments above: where it goes, and what this format cannot give (none)
"""

from __future__ import annotations

import json
import re
from types import ModuleType

from hosttune import registry
from hosttune.errors import UsageError
from hosttune.model import Shortfall
from hosttune.printable import clean

_PACKAGE = "hosttune.render.containers"
_KEY = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_-]+)+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def names() -> tuple[str, ...]:
    """Return the formats that there are."""
    return registry.names(_PACKAGE)


def asked(text: str) -> tuple[str, str]:
    """Return the format and the name of FORMAT[=NAME], "" for no name; raises UsageError."""
    format, equals, name = text.partition("=")
    if format not in names():
        raise UsageError(f"--emit {format}: no such format; choose among {', '.join(names())}")
    if equals and not _NAME.fullmatch(name):
        raise UsageError(f"--emit {text}: no name of a container or a service (letters, digits, _ . -)")
    return format, name


def text(format: str, lacks: Shortfall, name: str) -> str:
    """Return the options or the file, "" where nothing lacks that the format can give."""
    made: list[str] = _module(format).lines(lacks, name)
    return "".join(f"{clean(line)}\n" for line in made)


def head(format: str, lacks: Shortfall, name: str) -> list[str]:
    """Return what is to be said of it: where it goes, and what the format cannot give."""
    module = _module(format)
    made: list[str] = module.head(lacks, name) if hasattr(module, "head") else []
    return made


def commented(format: str, sentences: list[str]) -> list[str]:
    """Return sentences as comment lines of a format; none where it has no comments."""
    mark: str = _module(format).COMMENT
    return [f"{mark} {clean(line)}".rstrip() for text in sentences for line in text.split("\n")] if mark else []


def has_comments(format: str) -> bool:
    """Say whether a format has comments."""
    return bool(_module(format).COMMENT)


def limits(lacks: Shortfall) -> str:
    """Return the descriptor limits as SOFT:HARD, "" where they hold."""
    return f"{lacks.nofile[0]}:{lacks.nofile[1]}" if lacks.nofile else ""


def kept_out(lacks: Shortfall, what: str, instead: str) -> list[str]:
    """Return that a format has no place for the sysctls, and what has one."""
    keys = ", ".join(key for key, _ in lacks.sysctls)
    return [f"{what} takes no sysctls: {keys} are given with --emit {instead}"] if keys else []


def string(value: str) -> str:
    """Return a value as JSON, YAML and TOML read it between double quotes."""
    return json.dumps(value)


def word(key: str) -> str:
    """Return a key as YAML reads it: as it is where that is no other thing there."""
    return key if _KEY.fullmatch(key) else string(key)


def _module(format: str) -> ModuleType:
    return registry.load(_PACKAGE, format)
