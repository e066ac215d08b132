"""The order in which changes are safe: at no instant may a limit stand above the ceiling that holds it."""

from __future__ import annotations

import dataclasses
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
_BACKENDS = {"prlimit": 10, "address": 11, "anyip": 11}


def forward(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return changes, each target once, in the order in which they are made; a directory before what is put into it."""
    unique = list({(c.backend, c.target): c for c in changes}.values())
    return tuple(sorted(unique, key=lambda change: _key(change, unique)))


def backward(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return changes in the order in which they are taken back: limits fall before the ceilings that hold them."""
    found = forward(changes)
    # a directory that comes back is there before the files that come back into it
    made = [c for c in found if c.backend == "directory" and c.after is not None]
    return (*made, *(c for c in reversed(found) if c not in made))


def lasting(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return what changes come to once all are made, each target once; one that a later one takes back is none.

    So is promote_secondaries, which is 1 only while addresses go (changes/promotion.py).
    """
    found: dict[tuple[str, str], Change] = {}
    twice = set()
    for change in changes:
        key = (change.backend, change.target)
        if key in found:
            twice.add(key)
            change = dataclasses.replace(change, before=found[key].before)
        found[key] = change
    return tuple(c for key, c in found.items() if not (key in twice and c.before == c.after))


def holds(stuck: Change, other: Change) -> bool:
    """Say whether a change must not be taken back while another one could not be.

    A ceiling stays above its limits, a port reserved within the range, a directory around its file, and an address
    whose going would take others with it.
    """
    if other.backend == "address" and stuck.target.endswith(".promote_secondaries"):
        # without it the other addresses of the subnet would go too
        return stuck.target.split(".")[3].replace("/", ".") == other.target.rpartition("@")[2]
    if other.backend == "directory":
        return stuck.target.startswith(f"{other.target}/")
    stuck_at, other_at = _in_etc(stuck.target), _in_etc(other.target)
    if stuck.backend == "prlimit" or stuck_at.startswith(("/etc/security/", "/etc/systemd/system")):
        return other.target == "fs.nr_open" or other_at.startswith("/etc/sysctl.d/")
    if stuck.target == "net.ipv4.ip_local_port_range":
        return other.target in ("net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_unprivileged_port_start")
    return False


def rank_of_key(key: str) -> tuple[int, str]:
    """Return what sorts sysctls, on disk too."""
    return _SYSCTLS.get(key, _OTHER_SYSCTL), key


def _key(change: Change, others: list[Change]) -> tuple[int, str, str]:
    if change.backend == "sysctl":
        return (rank_of_key(change.target)[0], change.target, "")
    if change.backend == "file":
        return (_rank_of_file(change.target), change.target, "")
    if change.backend == "directory":
        inside = (c.target for c in others if c.backend == "file" and c.target.startswith(f"{change.target}/"))
        # an outer directory sorts before an inner one, and both before their files
        return (min(map(_rank_of_file, inside), default=_rank_of_file(change.target)), change.target, "")
    return (_BACKENDS[change.backend], change.target, "")


def _rank_of_file(path: str) -> int:
    return next((rank for prefix, rank in _FILES if f"{_in_etc(path)}/".startswith(prefix)), _LAST_FILE)


def _in_etc(path: str) -> str:
    """Return the file for which one below /run stands."""
    return f"/etc/{path.removeprefix('/run/')}" if path.startswith("/run/") else path
