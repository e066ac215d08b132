"""The backends that a proxy's configuration names, and what else it says of the connections to them."""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

from hosttune import registry
from hosttune.errors import HostError, UsageError
from hosttune.facts.backends import Hint
from hosttune.host import Host, named_file
from hosttune.host.live import LiveHost
from hosttune.host.owners import Doubt
from hosttune.host.reading import size_text
from hosttune.model import Backend, Settings

_LARGEST, _LONGEST = 512 << 10, 1 << 14
_SHELVES = "hosttune.programs.shelves"
_OTHERWISE = "haproxy"  # whose configuration a file is taken for that no program recognises


class Configured(NamedTuple):
    """What a proxy's configuration comes to; `pipes` of a connection None where it does not splice.

    `doubts` are what lets others than root write it (see `named_file`).
    """

    backends: tuple[Backend, ...]
    hint: Hint | None
    notes: tuple[str, ...]
    settings: Settings
    pipes: float | None = None
    doubts: tuple[Doubt, ...] = ()


def from_config(host: Host, path: str) -> Configured:
    """Return the backends of a program's configuration, the way of binding it implies, notes and settings."""
    text, doubts = _text(host, path)
    if len(text) > _LARGEST or max(map(len, text.split("\n"))) > _LONGEST:
        bounds = f"larger than {size_text(_LARGEST)}, or a line beyond {_LONGEST} bytes"
        raise UsageError(f"--backends-from {path}: {bounds}")
    configured: Configured = _shelf(text).read(host, path, text)
    return configured._replace(doubts=doubts)


def _shelf(text: str) -> ModuleType:
    """Return the program whose configuration it is."""
    every = (registry.load(_SHELVES, name) for name in registry.names(_SHELVES))
    taken = (shelf for shelf in every if hasattr(shelf, "recognises") and shelf.recognises(text))
    return next(taken, None) or registry.load(_SHELVES, _OTHERWISE)


def _text(host: Host, path: str) -> tuple[str, tuple[Doubt, ...]]:
    """Return the text of the file, on this machine with what lets others than root write it; raises UsageError."""
    try:
        if isinstance(host, LiveHost):
            given = host.given(path, _LARGEST)
            return given.data.decode("utf-8", "surrogateescape"), given.doubts
        return host.read(path), ()
    except (HostError, OSError) as error:
        why = named_file.why(error)
        raise UsageError(f"--backends-from {path}: {why}; name an haproxy.cfg or nginx.conf") from error
