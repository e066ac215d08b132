"""A file that hosttune alone writes; the target is its path, the state all that brings it back to the byte."""

from __future__ import annotations

import errno
import os
import re

from hosttune.host import Host, WritableHost
from hosttune.model import Change, FileState, State

RUNTIME = False

_UNITS = r"systemd/system\.conf\.d|systemd/system/[A-Za-z0-9_.@:\\-]+\.d"
_NETWORK = r"systemd/network(?:/[^/\0\n]+\.network\.d)?"
FOLDERS = (
    # until an apply is confirmed its files lie below /run
    rf"/(?:etc|run)/(?:sysctl\.d|modules-load\.d|{_UNITS}|{_NETWORK}|netplan)"
    r"|/etc/(?:security/limits\.d|network/if-up\.d|NetworkManager/dispatcher\.d)"
)
"""The directories of every file that a plan can name; a journal that names another one is refused."""
_OURS = re.compile(rf"(?:{FOLDERS})/[A-Za-z0-9_.@~-]*hosttune[A-Za-z0-9_.@-]*")
# a module's keys exist only once it is loaded, at boot too: its entry comes before the file that sets them
_RANKS = {"/etc/modules-load.d/": 0, "/etc/sysctl.d/": 7, "/etc/security/": 8, "/etc/systemd/system": 9}
_OTHERS = 12


def check(target: str, state: State) -> None:
    """Raise ValueError for a path that is none of ours, or what is no file."""
    if not _OURS.fullmatch(target) or "/../" in target:
        raise ValueError(f"{target!r} is no file of hosttune's")
    if not (state is None or isinstance(state, FileState)):
        raise ValueError(f"{target}: {state!r} is no file")


def read(host: Host, target: str) -> State:
    """Return the file; raises HostError where something else than a regular file has its name."""
    return host.state(target)


def write(host: WritableHost, target: str, state: State) -> None:
    """Put the file in place whole, or remove it."""
    # what a crash of an earlier run has left beside it
    host.clean(target)
    if state is None:
        host.remove(target)
    elif isinstance(state, FileState):
        host.put(target, state)


def barred(host: WritableHost, change: Change, capabilities: int) -> str:
    """Say why the file cannot be put there."""
    why = host.unwritable(change.target)
    return f"{change.target}: cannot be written ({why}){as_root(why)}" if why else ""


def as_root(why: str) -> str:
    """Return what to do about it where root could."""
    return "; run as root" if why == os.strerror(errno.EACCES).lower() else ""


def rank(target: str) -> int:
    return next((rank for prefix, rank in _RANKS.items() if f"{in_etc(target)}/".startswith(prefix)), _OTHERS)


def in_etc(path: str) -> str:
    """Return the file for which one below /run stands."""
    return f"/etc/{path.removeprefix('/run/')}" if path.startswith("/run/") else path
