"""The Ansible collection hosttune.hosttune: modules, a role and playbooks that run this hosttune on many hosts.

Its sources lie beside this file as they are, but for the version, which is that of hosttune.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files as resources
from importlib.resources.abc import Traversable

TREE = "ansible_collections/hosttune/hosttune"
"""Where Ansible looks for a collection below a directory of ANSIBLE_COLLECTIONS_PATH."""
_VERSION = "@version@"


def files(version: str) -> dict[str, str]:
    """Return the text of each file by its path, from ansible_collections/ on; `version` is that of the package."""
    top = resources("hosttune.hooks").joinpath("_collection")
    return {f"{TREE}/{path}": text.replace(_VERSION, semantic(version)) for path, text in _texts(top, "")}


def semantic(version: str) -> str:
    """Return a version of PEP 440 as semver.org has it, which Galaxy takes: 0.2.0.dev1 is 0.2.0-dev1."""
    match = re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?[.-]?([0-9A-Za-z.]*)(?:\+.*)?", version)
    if match is None:
        raise ValueError(f"{version!r} is no version of PEP 440")
    major, minor, patch, more = match.groups(default="0")
    return f"{major}.{minor}.{patch}" + (f"-{more}" if match[4] else "")


def _texts(directory: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for entry in directory.iterdir():
        relative = f"{path}{entry.name}"
        if entry.is_dir():
            # what an import of a source may have left
            yield from () if entry.name == "__pycache__" else _texts(entry, f"{relative}/")
        else:
            yield relative, entry.read_text(encoding="utf-8")
