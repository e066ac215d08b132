"""What control groups allow a process: memory and tasks, of its own group and of every one above, version 1 and 2."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from hosttune.errors import HostError
from hosttune.host import Host, proc, text
from hosttune.model import GroupLimit, Reason, Unknown

_NONE = 1 << 62
"""At and above it a version 1 limit is none: it reads as the highest number of whole pages."""

_DEEPEST = 32
_CACHE = ("inactive_file", "active_file")
_TCP = "memory.kmem.tcp.usage_in_bytes"  # Documentation/admin-guide/cgroup-v1/memory.rst
# controller, version: the files of its limit and of what is used
_FILES = {
    ("memory", 2): ("memory.max", "memory.current"),
    ("memory", 1): ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    ("pids", 2): ("pids.max", "pids.current"),
    ("pids", 1): ("pids.max", "pids.current"),
}
# where a limit that was met is counted: the file, and the field of it
_REFUSED = {
    ("memory", 2): ("memory.events", "max"),
    ("memory", 1): ("memory.failcnt", ""),
    ("pids", 2): ("pids.events", "max"),
    ("pids", 1): ("pids.events", "max"),
}


def gather(host: Host, pid: str) -> tuple[GroupLimit, ...]:
    """Return the limits that hold for a process (a number, or "self"); raises HostError where they are unknown."""
    mounts = _mounts(host)
    group_limits: list[GroupLimit] = []
    missed: HostError | None = None
    for controller, version, path in _hierarchies(host.read(f"/proc/{pid}/cgroup")):
        top = mounts.get(controller if version == 1 else "")
        for group in _upwards(path) if top else ():
            try:
                limit = _limit(host, controller, version, f"{top}{group}".rstrip("/"), group)
            except HostError as error:
                # the group at the top has no such file, nor one without the controller
                missed = missed if error.reason is Reason.ABSENT else error
                continue
            group_limits.extend([limit] if limit else [])
    if missed and not group_limits:
        raise missed
    return tuple(group_limits)


def _hierarchies(content: str) -> Iterator[tuple[str, int, str]]:
    """Yield controller, version and path of each group that may hold a limit."""
    for controllers, path in proc.groups(content):
        if not path.startswith("/") or "/../" in f"{path}/":
            continue
        for name in ("memory", "pids"):
            if not controllers or name in controllers:
                yield name, 1 if controllers else 2, path


def limits(host: Host, pids: Iterable[str]) -> tuple[GroupLimit, ...] | Unknown:
    """Return the limits of the groups of processes, each once; Unknown where none was read but for an error."""
    known: dict[str, GroupLimit] = {}
    why: Unknown | None = None
    for pid in pids:
        try:
            known |= {limit.file: limit for limit in gather(host, pid)}
        except HostError as error:
            why = None if error.reason is Reason.ABSENT else Unknown(error.reason, error.detail)
    return tuple(known.values()) or why or ()


def _limit(host: Host, controller: str, version: int, directory: str, group: str) -> GroupLimit | None:
    limit_file, used_file = _FILES[controller, version]
    limit = host.read(f"{directory}/{limit_file}").strip()
    if not limit.isdecimal() or int(limit) >= _NONE:
        return None
    used = text(host, f"{directory}/{used_file}")
    taken = int(used) if used.isdecimal() else 0
    sockets = None
    if controller == "memory":
        # the kernel drops cache before it refuses memory: what was read once is not in the way
        stat = text(host, f"{directory}/memory.stat")
        whole = "total_" if _field(stat, "total_inactive_file") is not None else ""
        taken = max(taken - sum(_field(stat, f"{whole}{name}") or 0 for name in _CACHE), 0)
        sockets = _field(stat, "sock") if version == 2 else _field(text(host, f"{directory}/{_TCP}"), "")
    name, field = _REFUSED[controller, version]
    return GroupLimit(
        controller=controller,
        group=group.strip("/") or "this container",
        file=f"{directory}/{limit_file}",
        limit=int(limit),
        used=taken,
        refused=_field(text(host, f"{directory}/{name}"), field),
        sockets=sockets,
    )


def _field(content: str, name: str) -> int | None:
    """Return a number by its name in a file of such lines, or that of a file of one number."""
    match = re.search(rf"^{re.escape(name)} (\d+)$" if name else r"^(\d+)$", content, re.M)
    return int(match[1]) if match else None


def _upwards(path: str) -> list[str]:
    """Return a group and all above it; the last is the top of what is mounted, a container's own group."""
    parts = [p for p in path.split("/") if p][:_DEEPEST]
    return ["/" + "/".join(parts[:n]) for n in range(len(parts), -1, -1)]


def _mounts(host: Host) -> dict[str, str]:
    """Return where each version 1 controller is mounted, and under "" where version 2 is."""
    mounted: dict[str, str] = {}
    for mount in proc.mounts(host.read("/proc/self/mounts")):
        if mount.type in ("cgroup", "cgroup2"):
            for name in [""] if mount.type == "cgroup2" else mount.options:
                mounted.setdefault(name, mount.place)
    return mounted
