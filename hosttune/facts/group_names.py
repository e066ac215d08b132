"""Whose a process is by the names of its control groups (cgroups(7)): who makes a group of such a name."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hosttune.host import Host, proc, text

_ID = r"[0-9a-f]{12,64}"
GROUPS = (
    ("docker", re.compile(rf"/(?:docker-|docker/)({_ID})(?:\.scope)?(?:/|$)")),
    ("podman", re.compile(rf"/libpod-(?:payload-)?({_ID})(?:\.scope)?(?:/|$)")),
    ("podman", re.compile(rf"/libpod_parent/libpod-({_ID})")),
    ("cri-o", re.compile(rf"/crio-({_ID})(?:\.scope)?(?:/|$)")),
    ("containerd", re.compile(rf"/cri-containerd-({_ID})(?:\.scope)?(?:/|$)")),
    ("kubernetes", re.compile(rf"/kubepods[^/]*/(?:.*/)?({_ID})(?:/|$)")),
    ("lxc", re.compile(r"/lxc(?:\.payload)?[./]([A-Za-z0-9_.-]+?)(?:/|$)")),
    ("systemd-nspawn", re.compile(r"/machine\.slice/(?:machine-|systemd-nspawn@)([^/]+)\.(?:scope|service)")),
)
"""Who makes a control group of a name: how the last parts of its path are spelled (systemd and cgroupfs)."""


def groups_of(host: Host, pid: int) -> tuple[str, ...]:
    """Return the paths of a process' control groups, none where they are not seen."""
    return tuple(path for _, path in proc.groups(text(host, f"/proc/{pid}/cgroup")))


def of_groups(paths: Iterable[str]) -> tuple[str, str] | None:
    """Return the runtime and the id that control groups name, None where they name none."""
    matches = ((owner, pattern.search(path)) for owner, pattern in GROUPS for path in paths)
    return next(((owner, _unescaped(match[1])) for owner, match in matches if match), None)


def _unescaped(name: str) -> str:
    """Return the name of a unit without systemd's escapes (systemd.unit(5))."""
    return re.sub(r"\\x([2-7][0-9a-f])", lambda match: chr(int(match[1], 16)), name)
