"""A file that hosttune alone writes; the target is its path, the state all that brings it back to the byte."""

from __future__ import annotations

import errno
import re

from hosttune.host import Host, WritableHost
from hosttune.model import FileState, State

RUNTIME = False

# every file that a plan can name, and where it lies until it is confirmed; a journal that names another one is refused
_OURS = re.compile(
    r"(/run/(sysctl\.d|modules-load\.d|systemd/system\.conf\.d|systemd/system/[A-Za-z0-9_.@:\\-]+\.d"
    r"|systemd/network(/[^/\0\n]+\.network\.d)?|netplan)"
    r"|/etc/(sysctl\.d|security/limits\.d|modules-load\.d|systemd/system\.conf\.d|systemd/system/[A-Za-z0-9_.@:\\-]+\.d"
    r"|systemd/network(/[^/\0\n]+\.network\.d)?|network/if-up\.d|netplan|NetworkManager/dispatcher\.d))"
    r"/[A-Za-z0-9_.@~-]*hosttune[A-Za-z0-9_.@-]*"
)


def check(target: str, state: State) -> None:
    """Raise OSError for a path that is none of ours, or what is no file."""
    if not _OURS.fullmatch(target) or "/../" in target:
        raise OSError(errno.EINVAL, f"{target!r} is no file of hosttune's")
    if not (state is None or isinstance(state, FileState)):
        raise OSError(errno.EINVAL, f"{target}: {state!r} is no file")


def read(host: Host, target: str) -> State:
    """Return the file; raises HostError where something else than a regular file has its name."""
    return host.state(target)


def write(host: WritableHost, target: str, state: State) -> None:
    """Put the file in place whole, or remove it."""
    check(target, state)
    # what a crash of an earlier run has left beside it
    host.clean(target)
    if state is None:
        host.remove(target)
    elif isinstance(state, FileState):
        host.put(target, state)
