"""What the systemd of a container sets as it starts: the sysctl.d that its processes see, looked at from outside."""

from __future__ import annotations

from typing import Any

from hosttune.errors import HostError, RefusedError
from hosttune.host import Host
from hosttune.model import FileState, GivenSysctl, Origin, Reason, Unknown
from hosttune.resolve.sysctl_systemd import resolve_systemd


class Below:
    """The files of a host as a process sees them; the kernel that answers is the same."""

    def __init__(self, host: Host, pid: int) -> None:
        self._host, self._root = host, f"/proc/{pid}/root"

    def read(self, path: str) -> str:
        return self._host.read(self._path(path))

    def glob(self, pattern: str) -> list[str]:
        return [path.removeprefix(self._root) for path in self._host.glob(self._path(pattern))]

    def probe(self, name: str, **args: Any) -> Any:
        raise HostError(Reason.UNDECIDED, f"{name}: files alone are looked at")

    def state(self, path: str) -> FileState | None:
        return self._host.state(self._path(path))

    def link(self, path: str) -> str:
        return self._host.link(self._path(path))

    def _path(self, path: str) -> str:
        return path if path.startswith("/proc/") else f"{self._root}{path}"


def sysctls(host: Host, pid: int) -> tuple[GivenSysctl, ...] | Unknown:
    """Return what the files below the root of a process set; Unknown where they are not seen, or are too many."""
    inner = Below(host, pid)
    if not inner.glob("/etc"):
        return Unknown(Reason.UNREADABLE, f"/proc/{pid}/root, whose sysctl.d its own systemd reads")
    try:
        values = resolve_systemd(inner).values
    except RefusedError as error:
        return Unknown(Reason.UNREADABLE, f"in its own files {error}")
    return tuple(
        GivenSysctl(key, line.text, Origin(f"/proc/{pid}/root{line.origin.path}", line.origin.line, line.origin.text))
        for key, line in values.items()
    )
