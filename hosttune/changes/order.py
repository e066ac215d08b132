"""The order in which changes are safe: at no instant may a limit stand above the ceiling that holds it."""

from __future__ import annotations

from collections.abc import Iterable

from hosttune.model import Change

# a hard nofile above fs.nr_open is EPERM and can refuse logins (kernel/sys.c), so the ceiling rises first and falls
# last; files are open as soon as limits allow, so fs.file-max comes before them; a port is reserved before the range
# reaches it, else an outgoing connection may have it in between
_SYSCTLS = {
    "fs.nr_open": 1,
    "fs.file-max": 2,
    "net.ipv4.ip_unprivileged_port_start": 3,
    "net.ipv4.ip_local_reserved_ports": 4,
    "net.ipv4.ip_local_port_range": 6,
}
_OTHER_SYSCTL = 5
# a module's keys exist only once it is loaded, at boot too: its entry comes before the file that sets them
_FILES = (
    ("/etc/modules-load.d/", 0),
    ("/etc/sysctl.d/", 7),
    ("/etc/security/", 8),
    ("/etc/systemd/system", 9),
)
_LAST_FILE = 12
_BACKENDS = {"prlimit": 10, "address": 11}


def forward(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return changes in the order in which they are made; a directory comes right before what is put into it."""
    return tuple(sorted(changes, key=_key))


def backward(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return changes in the order in which they are taken back: limits fall before the ceilings that hold them."""
    return tuple(sorted(changes, key=_key, reverse=True))


def rank_of_key(key: str) -> tuple[int, str]:
    """Return what sorts sysctls, on disk too."""
    return _SYSCTLS.get(key, _OTHER_SYSCTL), key


def _key(change: Change) -> tuple[int, str, str]:
    if change.backend == "sysctl":
        return (rank_of_key(change.target)[0], change.target, "")
    if change.backend in ("file", "directory"):
        # an outer directory sorts before an inner one, and both before their files
        rank = next((r for prefix, r in _FILES if f"{change.target}/".startswith(prefix)), _LAST_FILE)
        return (rank, change.target, "")
    return (_BACKENDS[change.backend], change.target, "")
