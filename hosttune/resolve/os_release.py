"""Which distribution the files belong to: os-release(5)."""

from __future__ import annotations

import shlex

from hosttune.errors import HostError
from hosttune.host import Host


def read(host: Host) -> dict[str, str]:
    """Return the fields of /etc/os-release, else of /usr/lib/os-release; empty where neither tells anything."""
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            lines = host.read(path).splitlines()
        except HostError:
            continue
        pairs = (line.strip().partition("=") for line in lines if "=" in line and not line.strip().startswith("#"))
        found = {key.strip(): _unquoted(value) for key, _, value in pairs}
        if found:
            return found
    return {}


def _unquoted(value: str) -> str:
    try:
        words = shlex.split(value)
    except ValueError:
        return value.strip().strip("\"'")
    return words[0] if words else ""
