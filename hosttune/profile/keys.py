"""Which sysctls `apply` takes from a profile as they are: profiles/keys/connections.toml, and nothing else."""

from __future__ import annotations

import re
from functools import cache

from hosttune.errors import ProfileError
from hosttune.profile.load import shipped
from hosttune.resolve import toml_file
from hosttune.resolve.sysctl_value import display, normalise, valid_key

PURPOSE = "connections, the memory of sockets, descriptors or processes"

_REST = re.compile(r"[a-z0-9_]+")


def canonical(key: str) -> str:
    """Return the one spelling of a key: dotted, a dot within a name as a slash; raises ValueError for what is none."""
    name = key.removeprefix("sysctl:")
    if not valid_key(name) or any(c in name for c in "*?[]!^@:"):
        raise ValueError(f"{key!r} is no sysctl")
    path = normalise(name)
    if any(part.startswith((".", "-")) for part in path.split("/")):
        raise ValueError(f"{key!r} is no sysctl")
    return display(path)


def is_known(key: str) -> bool:
    """Say whether a key is one that apply takes from any profile.

    Only as it is spelled in the list: what has another spelling (slashes, `..`, a pattern, a `-` before it) is not.
    """
    keys, prefixes, but = _list()
    if key in keys:
        return True
    return key not in but and any(key.startswith(p) and _REST.fullmatch(key[len(p) :]) for p in prefixes)


@cache
def _list() -> tuple[frozenset[str], tuple[str, ...], frozenset[str]]:
    """Return the keys, the prefixes, and what they leave out."""
    rows = toml_file.tables(shipped() / "keys" / "connections.toml", "list of keys", ProfileError, ours=True)["allow"]
    return (
        frozenset(row["key"] for row in rows if "key" in row),
        tuple(row["prefix"] for row in rows if "prefix" in row),
        frozenset(name for row in rows for name in row.get("but", ())),
    )
