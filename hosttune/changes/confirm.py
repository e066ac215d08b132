"""Decide what an apply that waits to be confirmed writes now, and what waits: now only what a reboot forgets.

Values of the running kernel are written as ever. A file below /etc has a twin below /run until the confirm, where its
readers look there too and /run is a file system in memory; every other file waits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from hosttune.changes import backends, entries
from hosttune.changes.backends import directory
from hosttune.errors import HostError
from hosttune.host import Host, proc
from hosttune.model import Change, FileState
from hosttune.model.checked import within

SYSTEMD: Final = "systemd"
PROCESS: Final = "process"
"""Who keeps the timer: a transient unit, or a process of our own."""
IN_TIME = "not confirmed in time"
BY_REBOOT = "not confirmed before the reboot"
BY_HAND = "rolled back before it was confirmed"
INTERRUPTED = "interrupted before it was confirmed"

# drop-ins of all places are sorted by name together, and one of a name in /etc hides one in /run: sysctl.d(5),
# modules-load.d(5), systemd-system.conf(5), systemd.unit(5), systemd.network(5)
_DROP_INS = re.compile(
    r"/etc/(sysctl\.d|modules-load\.d|systemd/system\.conf\.d|systemd/system/[^/]+\.d|systemd/network/[^/]+\.network\.d)"
    r"/([^/]+)\.conf"
)
_NETWORK = re.compile(r"/etc/systemd/network/[^/]+\.network")
_NETPLAN = re.compile(r"/etc/netplan/[^/]+\.yaml")


@dataclass(frozen=True, slots=True)
class Confirm:
    """Until when an apply can be confirmed.

    `deadline` is in milliseconds of CLOCK_BOOTTIME in the boot `boot`, `until` the same in UTC. `timer` says who takes
    it back then, `ended` why it was taken back ("" while it was not).
    """

    seconds: Annotated[int, within(1, 86_400)]
    boot: str
    deadline: int
    until: str
    timer: Literal["systemd", "process"]
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """Now: which boot, and the milliseconds since it began, those of a suspended machine too (CLOCK_BOOTTIME)."""

    boot: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Split:
    """`now` are the changes that a reboot forgets, `waits` those for the confirm, `late` what has no twin meanwhile."""

    now: tuple[Change, ...]
    waits: tuple[Change, ...]
    late: tuple[str, ...]


def moment(host: Host) -> Moment | None:
    """Return the moment that it is on a host, None where that is unknown; an image is in no boot.

    /proc/uptime is CLOCK_BOOTTIME (fs/proc/uptime.c).
    """
    if not getattr(host, "runs", True):
        return Moment("", 0)
    try:
        boot = host.read("/proc/sys/kernel/random/boot_id").strip()
        return Moment(boot, int(float(host.read("/proc/uptime").split()[0]) * 1000)) if boot else None
    except (HostError, ValueError, IndexError):
        return None


def over(confirm: Confirm, now: Moment | None) -> str:
    """Return why an apply can be confirmed no more, "" while it can. Where the moment is not known it can be."""
    if now is None:
        return ""
    if now.boot != confirm.boot:
        return BY_REBOOT
    return IN_TIME if now.milliseconds >= confirm.deadline else ""


def left(confirm: Confirm, now: Moment | None) -> int:
    """Return the seconds that are left, rounded up; 0 where none are."""
    if now is None or over(confirm, now):
        return 0
    return -((now.milliseconds - confirm.deadline) // 1000)


def split(host: Host, changes: Sequence[Change]) -> Split:
    """Split changes into those that a reboot forgets and those that wait; reads `host`, writes nothing."""
    volatile = _in_memory(host)
    now: dict[tuple[str, str], Change] = {}
    waits: list[Change] = []
    late: list[str] = []
    for change in changes:
        if backends.runtime(change.backend):
            now[change.key] = change
            continue
        waits.append(change)
        if change.backend == "directory":
            continue
        twin = _twin(host, change) if volatile else []
        now |= {moved.key: moved for moved in twin}
        if not twin:
            late.append(change.target)
    return Split(tuple(now.values()), tuple(waits), tuple(late))


def twin_of(path: str, replaced: bool, systemd: bool) -> str:
    """Return where below /run a file lies until it is confirmed, "" where its readers have no such place.

    `replaced`: there is a file of that name in /etc already. `systemd`: it runs here; /run/systemd/system must not
    come to be where it does not, for programs take it for the sign that it does (sd_booted(3)).
    """
    if path.startswith("/etc/systemd/") and not systemd:
        return ""
    if match := _DROP_INS.fullmatch(path):
        # "." is before "t": read right after the file that it stands in for
        return f"/run/{match[1]}/{match[2]}.trial.conf"
    # the first file that matches is the only one
    if _NETWORK.fullmatch(path) and not replaced:
        return path.replace("/etc/", "/run/", 1)
    # one of a name in /run hides one in /etc: netplan(5)
    return path.replace("/etc/", "/run/", 1) if _NETPLAN.fullmatch(path) else ""


def _twin(host: Host, change: Change) -> list[Change]:
    """Return the changes that put the twin of a file in place, none where it has none."""
    after = change.after
    path = twin_of(change.target, change.before is not None, bool(host.glob("/run/systemd/system")))
    if not path or not isinstance(after, FileState):
        return []
    try:
        before = host.state(path)
    except HostError:
        return []  # a link or a device of somebody else's
    if before is not None and not entries.is_ours(before.text):
        return []
    twin = Change("file", path, before, FileState(after.text, after.mode), change.serves, change.why)
    return [*directory.made(host, path, change.serves), twin]


def _in_memory(host: Host) -> bool:
    """Say whether /run is a file system in memory: mount point and, after "-", type (proc_pid_mountinfo(5))."""
    try:
        mounts = proc.mountinfo(host.read("/proc/self/mountinfo"))
    except HostError:
        return False
    types = [mount.type for mount in mounts if mount.place == "/run" and mount.type]
    return bool(types) and types[-1] in ("tmpfs", "ramfs")
