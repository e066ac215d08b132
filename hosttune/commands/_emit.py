"""The configurations of a plan, of every format, and the directory that they go to."""

from __future__ import annotations

from hosttune import registry
from hosttune.commands import _tree
from hosttune.model import Deployment


def texts(deployment: Deployment) -> dict[str, str]:
    """Return every file of every format, by its path below the directory."""
    found: dict[str, str] = {}
    for name in registry.names("hosttune.emit"):
        made: dict[str, str] = registry.load("hosttune.emit", name).files(deployment)
        twice = found.keys() & made.keys()
        if twice:
            raise ValueError(f"hosttune.emit.{name}: {sorted(twice)} are those of another format")
        found |= made
    return found


def emit(deployment: Deployment, directory: str) -> tuple[str, ...]:
    """Write all files under the directory that --emit names and return their paths, sorted; raises as `_tree.write`."""
    return _tree.write("--emit", directory, texts(deployment))
