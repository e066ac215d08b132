"""The backends that a proxy's configuration names, and what else it says of the connections to them."""

from __future__ import annotations

import re
from typing import NamedTuple

from hosttune.errors import HostError, UsageError
from hosttune.facts import backends_haproxy, backends_nginx, settings_haproxy
from hosttune.facts.backends import Hint
from hosttune.host import Host
from hosttune.model import Backend, Settings

_LARGEST, _LONGEST = 1 << 20, 1 << 14


class Configured(NamedTuple):
    """What a proxy's configuration comes to; `pipes` of a connection None where it does not splice."""

    backends: tuple[Backend, ...]
    hint: Hint | None
    notes: tuple[str, ...]
    settings: Settings
    pipes: float | None


def from_config(host: Host, path: str) -> Configured:
    """Return the backends of an haproxy.cfg or nginx.conf, the way of binding it implies, notes and settings."""
    try:
        text = host.read(path)
    except HostError as error:
        raise UsageError(f"--backends-from {path}: {error}") from error
    if len(text) > _LARGEST or max(map(len, text.split("\n"))) > _LONGEST:
        raise UsageError(f"--backends-from {path}: larger than {_LARGEST >> 20} MiB, or a line beyond {_LONGEST} bytes")
    if re.search(r"^[ \t]*(upstream|http|stream|events)\b[^\n{]*\n?[ \t]*\{", text, re.M):
        return Configured(*backends_nginx.read(host, path, text), Settings("nginx", path), None)
    return Configured(*backends_haproxy.read(host, path, text), *settings_haproxy.read(path, text))
