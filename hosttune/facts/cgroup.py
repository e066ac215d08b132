"""What control groups allow a process: memory and tasks, of its own group and of every one above, version 1 and 2."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hosttune.errors import HostError
from hosttune.facts.machine import text
from hosttune.host import Host
from hosttune.model import GroupLimit, Reason

_NONE = 1 << 62
"""At and above it a version 1 limit is none: it reads as the highest number of whole pages."""

_DEEPEST = 32
# controller, version: the files of its limit and of what is used
_FILES = {
    ("memory", 2): ("memory.max", "memory.current"),
    ("memory", 1): ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    ("pids", 2): ("pids.max", "pids.current"),
    ("pids", 1): ("pids.max", "pids.current"),
}


def gather(host: Host, pid: str) -> tuple[GroupLimit, ...]:
    """Return the limits that hold for a process (a number, or "self"); raises HostError where they cannot be told."""
    mounts = _mounts(host)
    found: list[GroupLimit] = []
    missed: HostError | None = None
    for controllers, path in _groups(host.read(f"/proc/{pid}/cgroup")):
        version = 1 if controllers else 2
        for controller in ("memory", "pids"):
            if version == 1 and controller not in controllers:
                continue
            top = mounts.get(controller if version == 1 else "")
            for group in _upwards(path) if top else ():
                try:
                    limit = _limit(host, controller, version, f"{top}{group}".rstrip("/"), group)
                except HostError as error:
                    # the group at the top has no such file, nor one without the controller
                    missed = missed if error.reason is Reason.ABSENT else error
                    continue
                found.extend([limit] if limit else [])
    if missed and not found:
        raise missed
    return tuple(found)


def _limit(host: Host, controller: str, version: int, directory: str, group: str) -> GroupLimit | None:
    limit_file, used_file = _FILES[controller, version]
    limit = host.read(f"{directory}/{limit_file}").strip()
    if not limit.isdigit() or int(limit) >= _NONE:
        return None
    used = text(host, f"{directory}/{used_file}")
    taken = int(used) if used.isdigit() else 0
    if controller == "memory":
        # the kernel drops cache before it refuses memory: what was read once is not in the way
        cache = re.search(r"^(?:total_)?inactive_file (\d+)$", text(host, f"{directory}/memory.stat"), re.M)
        taken = max(taken - int(cache[1]), 0) if cache else taken
    return GroupLimit(controller, group.strip("/") or "this container", f"{directory}/{limit_file}", int(limit), taken)


def _groups(told: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Return the hierarchies of /proc/PID/cgroup: controllers (none for version 2) and the path."""
    for line in told.splitlines():
        _, _, rest = line.partition(":")
        controllers, colon, path = rest.partition(":")
        if colon and path.startswith("/") and "/../" not in f"{path}/":
            yield tuple(c for c in controllers.split(",") if c), path


def _upwards(path: str) -> list[str]:
    """Return a group and all above it; the last is the top of what is mounted, a container's own group."""
    parts = [p for p in path.split("/") if p][:_DEEPEST]
    return ["/" + "/".join(parts[:n]) for n in range(len(parts), -1, -1)]


def _mounts(host: Host) -> dict[str, str]:
    """Return where each version 1 controller is mounted, and under "" where version 2 is."""
    found: dict[str, str] = {}
    for line in host.read("/proc/self/mounts").splitlines():
        fields = line.split()
        if len(fields) < 4 or fields[2] not in ("cgroup", "cgroup2"):
            continue
        for name in [""] if fields[2] == "cgroup2" else fields[3].split(","):
            found.setdefault(name, fields[1])
    return found
