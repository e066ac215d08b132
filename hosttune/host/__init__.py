"""The host seam: everything that is asked of a machine, or done to it, goes through here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from hosttune.errors import HostError

if TYPE_CHECKING:
    from hosttune.model import FileState


class Host(Protocol):
    """A machine, live, rooted elsewhere, or recorded; it can only be asked.

    Paths are absolute, as the examined host would name them. `read` returns text decoded as UTF-8 with
    surrogateescape (so NUL, CR and odd bytes survive), raises HostError. `glob` returns the sorted paths that match
    (`*`, `?`, `[...]` per component, names that begin with a dot only where the pattern says so), links that
    dangle included; it never raises. `probe` runs host/probes/<name>.py: plain JSON-able answers. `state` returns a
    file as it can be put back, None where there is none; raises HostError for anything that is no regular file.
    `link` returns where a symbolic link points, as it is written; "" for anything else, or what cannot be seen.

    A host may have `still`: an object for the time in which its files do not change, so that what was derived from
    them holds as long as it lives; None, or nothing of that name, where they may change at any time.
    """

    def read(self, path: str) -> str: ...

    def glob(self, pattern: str) -> list[str]: ...

    def probe(self, name: str, **args: Any) -> Any: ...

    def state(self, path: str) -> FileState | None: ...

    def link(self, path: str) -> str: ...


class WritableHost(Host, Protocol):
    """A machine that can be changed; its methods raise OSError where they fail.

    `put` replaces a file whole: a reader, or a crash, meets the old or the new one. `write` writes in
    place, which only /proc/sys needs. `act` runs host/acts/<name>.py. `lock` is exclusive among processes; raises
    HostError where another one holds it longer than `wait` seconds, and calls `waiting` with who does.
    `owner` returns the user id and the mode of a file or directory, links followed; None where it cannot be seen.
    `runs`: a kernel answers for it; an image has none. `unwritable` returns why a path takes no writes, "" where it
    does.
    """

    runs: bool

    def unwritable(self, path: str) -> str: ...

    def owner(self, path: str) -> tuple[int, int] | None: ...

    def put(self, path: str, state: FileState) -> None: ...

    def remove(self, path: str) -> None: ...

    def clean(self, path: str) -> None: ...

    def make_directory(self, path: str) -> None: ...

    def remove_directory(self, path: str) -> None: ...

    def write(self, path: str, text: str) -> None: ...

    def act(self, name: str, **args: Any) -> None: ...

    def lock(self, path: str, wait: float, waiting: Callable[[str], None]) -> AbstractContextManager[None]: ...


def text(host: Host, path: str) -> str:
    """Return a small file's stripped text, "" where it cannot be read."""
    try:
        return host.read(path).strip(" \t\r\n\0")
    except HostError:
        return ""


def is_image(host: Host) -> bool:
    """Say whether this is a tree of files with no running kernel behind it."""
    return not text(host, "/proc/sys/kernel/osrelease")


def in_first_network(host: Host) -> bool:
    """Say whether the network namespace is the kernel's first one; of an image none is seen.

    netdev_max_backlog is registered for that one only, net/core/sysctl_net_core.c.
    """
    return bool(host.glob("/proc/sys/net/core/netdev_max_backlog"))
