"""The order in which changes are safe: at no instant may a limit stand above the ceiling that holds it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from hosttune.changes import backends
from hosttune.changes.backends import sysctl
from hosttune.changes.backends.file import in_etc
from hosttune.model import Change


def forward(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return changes, each target once, in the order in which they are made; a directory before what is put into it."""
    unique = list({c.key: c for c in changes}.values())
    return tuple(sorted(unique, key=lambda change: _key(change, unique)))


def backward(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return changes in the order in which they are taken back: limits fall before the ceilings that hold them."""
    ordered = forward(changes)
    # a directory that comes back is there before the files that come back into it
    made = [c for c in ordered if c.backend == "directory" and c.after is not None]
    return (*made, *(c for c in reversed(ordered) if c not in made))


def lasting(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return what changes come to once all are made, each target once; one that a later one takes back is none.

    So is promote_secondaries, which is 1 only while addresses go (changes/promotion.py).
    """
    merged: dict[tuple[str, str], Change] = {}
    twice = set()
    for change in changes:
        key = change.key
        if key in merged:
            twice.add(key)
            change = dataclasses.replace(change, before=merged[key].before)
        merged[key] = change
    return tuple(c for key, c in merged.items() if not (key in twice and c.before == c.after))


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
    stuck_at, other_at = in_etc(stuck.target), in_etc(other.target)
    if stuck.backend == "prlimit" or stuck_at.startswith(("/etc/security/", "/etc/systemd/system")):
        return other.target == "fs.nr_open" or other_at.startswith("/etc/sysctl.d/")
    if stuck.target == "net.ipv4.ip_local_port_range":
        return other.target in ("net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_unprivileged_port_start")
    return False


def rank_of_key(key: str) -> tuple[int, str]:
    """Return what sorts sysctls, on disk too."""
    return sysctl.rank(key), key


def _key(change: Change, others: list[Change]) -> tuple[int, str]:
    if change.backend != "directory":
        return backends.rank(change), change.target
    inside = (backends.rank(c) for c in others if c.backend == "file" and c.target.startswith(f"{change.target}/"))
    # an outer directory sorts before an inner one, and both before their files
    return min(inside, default=backends.rank(change)), change.target
