"""Where the built-in profiles are, and their names: what help needs of them, without reading one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def directory() -> Path:
    """Return the directory of our own profiles: inside the wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_profiles"
    return inside if inside.is_dir() else package.parent / "profiles"


def names(directories: Sequence[Path] = ()) -> tuple[str, ...]:
    """Return the names of all profiles that can be a role, those in other directories too, sorted."""
    stems = {path.stem for place in (*directories, directory()) for path in place.glob("*.toml")}
    return tuple(sorted(stem for stem in stems if NAME.fullmatch(stem)))


def topologies() -> tuple[str, ...]:
    """Return the names of the built-in topologies, sorted."""
    return tuple(sorted(path.stem for path in (directory() / "topologies").glob("*.toml") if NAME.fullmatch(path.stem)))
