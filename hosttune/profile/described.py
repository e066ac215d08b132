"""What there is to say of sysctls that tuning guides name and no role asks for: profiles/keys/explained/*.toml."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from functools import cache
from typing import Any

from hosttune.errors import ProfileError
from hosttune.profile.load import shipped
from hosttune.resolve import toml_file

_INTERFACE = re.compile(r"(net\.ipv[46]\.)(conf|neigh)\.[^.]+(\.[a-z0-9_]+)")
_ALL = {"conf": "all", "neigh": "default"}
_NEAR = 0.8


@cache
def read() -> dict[str, dict[str, Any]]:
    """Return the table of each key, by its subject."""
    files = sorted((shipped() / "keys" / "explained").glob("*.toml"))
    return {
        f"sysctl:{key}": table
        for path in files
        for key, table in toml_file.tables(path, "description of keys", ProfileError, ours=True)["key"].items()
    }


def matching(key: str, known: Collection[str]) -> dict[str, str]:
    """Return the subjects that a key means, each with the one of `known` that describes it.

    A key of an interface (net.ipv4.conf.eth0.rp_filter) is described by that of all; a last part (somaxconn) means
    each key that ends with it.
    """
    subject = f"sysctl:{key}"
    if subject in known:
        return {subject: subject}
    general = f"sysctl:{_INTERFACE.sub(lambda m: f'{m[1]}{m[2]}.{_ALL[m[2]]}{m[3]}', key)}"
    if general in known:
        return {subject: general}
    return {other: other for other in sorted(known) if other.startswith("sysctl:") and other.endswith(f".{key}")}


def near(key: str, known: Collection[str]) -> str:
    """Return the key that is spelled nearly as this one, "" where none is."""
    keys = {subject.removeprefix("sysctl:"): subject for subject in known}
    whole = difflib.get_close_matches(key, keys, 1, _NEAR)
    if whole and "." in key:
        return whole[0]
    last = {name.rpartition(".")[2]: name for name in keys}
    found = difflib.get_close_matches(key.rpartition(".")[2], last, 1, _NEAR)
    return last[found[0]] if found else ""
