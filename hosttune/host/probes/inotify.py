"""What each user has of inotify(7): instances and watches, which count for a user and not for a process.

No file counts them: an instance is a descriptor called anon_inode:inotify, and its fdinfo has a line for each watch
(proc(5), fs/notify/fdinfo.c). fs/notify/inotify/inotify_user.c, inotify_new_group(): an instance counts for the
effective user who made it, in its user namespace, and for the owner of that namespace in the one above.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

from hosttune.host import proc
from hosttune.host.answers import Count

_LOOKS = 4096  # descriptors of a process: each that is looked at costs the kernel an inode and a dentry
_SECONDS = 3.0  # for all processes together
_LARGEST = 4 << 20  # bytes of one fdinfo: a line of about 80 for each watch
_OWNER = 0xB704  # NS_GET_OWNER_UID, include/uapi/linux/nsfs.h
_LINK = "anon_inode:inotify"
_MOST = 64  # users


class User(TypedDict):
    """One user's instances and watches; `most` of the instances are of the process `pid`, called `name`."""

    uid: Count
    instances: Count
    watches: Count
    pid: Count
    name: str
    most: Count


class Inotify(TypedDict):
    """The users, those with the most instances first; `whole`: every process was looked at, all of it."""

    users: list[User]
    whole: bool


@dataclass(frozen=True, slots=True)
class _Process:
    """What was seen of a process: its instances by descriptor, each with its lines."""

    uid: int
    parent: int
    name: str
    instances: dict[str, bytes]


def run() -> Inotify:
    """Return them, of the own user namespace."""
    until = time.monotonic() + _SECONDS
    processes: dict[int, _Process] = {}
    whole = True
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        if time.monotonic() > until:
            whole = False
            break
        try:
            instances, all_ = _instances(pid)
            if instances:
                processes[pid] = _process(pid, instances)
            whole = whole and all_
        except (FileNotFoundError, ProcessLookupError):
            continue
        except OSError:
            whole = False
    return {"users": _users(processes), "whole": whole}


def _instances(pid: int) -> tuple[dict[str, bytes], bool]:
    """Return the lines of each instance of a process by its descriptor, and whether all descriptors were seen."""
    directory = f"/proc/{pid}/fd"
    many = os.stat(directory).st_size > _LOOKS
    numbers: Iterable[str] = map(str, range(_LOOKS)) if many else os.listdir(directory)
    found: dict[str, bytes] = {}
    for number in numbers:
        try:
            if os.readlink(f"{directory}/{number}") == _LINK:
                with open(f"/proc/{pid}/fdinfo/{number}", "rb") as file:
                    found[number] = file.read(_LARGEST)
        except FileNotFoundError:
            continue
    return found, not many


def _process(pid: int, instances: dict[str, bytes]) -> _Process:
    with open(f"/proc/{pid}/status", "rb") as file:
        rows = proc.status(file.read().decode(errors="replace"))
    user = re.fullmatch(r"\d+\s+(\d+)\s.*", rows.get("Uid", ""))
    uid = int(user[1]) if user else 0
    return _Process(_charged(pid, uid), int(rows.get("PPid", "0") or 0), rows.get("Name", ""), instances)


def _charged(pid: int, uid: int) -> int:
    """Return the user who is charged in our user namespace: of a process in another one it is the owner of that."""
    own, other = os.stat("/proc/thread-self/ns/user"), os.stat(f"/proc/{pid}/ns/user")
    if os.path.samestat(own, other):
        return uid
    fd = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    try:
        answer = fcntl.ioctl(fd, _OWNER, struct.pack("=I", 0))
    finally:
        os.close(fd)
    return int(struct.unpack("=I", answer)[0])


def _users(processes: dict[int, _Process]) -> list[User]:
    instances, watches, held = Counter[int](), Counter[int](), dict[int, Counter[int]]()
    for pid, process in processes.items():
        own = [lines for number, lines in process.instances.items() if not _inherited(processes, pid, number, lines)]
        instances[process.uid] += len(own)
        watches[process.uid] += sum(lines.count(b"inotify wd:") for lines in own)
        held.setdefault(process.uid, Counter())[pid] += len(own)
    rows: list[User] = []
    for uid, count in instances.most_common(_MOST):
        pid, most = held[uid].most_common(1)[0]
        name = processes[pid].name
        rows.append({"uid": uid, "instances": count, "watches": watches[uid], "pid": pid, "name": name, "most": most})
    return rows


def _inherited(processes: dict[int, _Process], pid: int, number: str, lines: bytes) -> bool:
    """Say whether an instance is that of a parent: fork() gives a child the same one under the same number."""
    parent = processes.get(processes[pid].parent)
    return parent is not None and parent.instances.get(number) == lines
