"""Which processes hold the most descriptors, or come nearest to their limit (proc(5)).

Little is listed: each entry of /proc/PID/fd costs the kernel an inode and a dentry (fs/proc/fd.c), the size of the
directory costs nothing. It is the number of descriptors since Linux 6.2; before that a few thousand are looked at.

The files are read here and not by psutil: its num_fds() lists all entries, its rlimit() is prlimit(2), which takes more
rights than /proc/PID/limits, and its import alone takes ten times as long as a look at a hundred processes.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterable
from typing import NotRequired, TypedDict

from hosttune import kernel
from hosttune.host import proc
from hosttune.host.answers import Count
from hosttune.host.probes import workers

_LOOKS = 4096  # descriptors of a process that are looked at where the kernel does not count them
_FEW = 24  # descriptors: a program with fewer carries nothing that matters here
_FIRST = 256  # a program opens its listeners first, so they have low numbers


class Limited(TypedDict):
    """A process and what it holds; thousands of descriptors are estimated before Linux 6.2."""

    pid: Count
    descriptors: Count
    soft: Count | None
    hard: Count | None


class About(TypedDict):
    """Who a process is; `here`: it shares our network namespace."""

    name: str
    uid: Count
    ticks: Count
    system_ticks: Count
    threads: NotRequired[Count]
    exempt: NotRequired[bool | None]
    resource: NotRequired[bool | None]
    here: NotRequired[bool | None]
    started: NotRequired[Count | None]


class Program(Limited, About):
    """All of it; `listens` are those of the inodes asked for that are among its first descriptors."""

    listens: list[Count]


class Programs(TypedDict):
    """The processes, and how many could not be looked at."""

    programs: list[Program]
    unseen: Count


def run(pids: list[int] | None = None, inodes: list[int] | None = None, most: int = 16) -> Programs:
    """Return the processes named.

    Without `pids` they are the `most` with the most descriptors, as many that are nearest to their soft limit, and
    those with few that hold one of `inodes` which none of these holds.
    """
    counted, unseen = _counted(pids)
    rows = _rows(pair for pair in counted if pids is not None or pair[1] >= _FEW)
    if pids is None:
        rows = _foremost(rows, most)
    sought = set(inodes or ())
    programs = _described(rows, sought)
    left = sought.difference(*(row["listens"] for row in programs))
    if pids is None and left:
        small = [pair for pair in counted if 0 < pair[1] < _FEW and _held(*pair, left)]
        programs += _described(_rows(small), left)
    return {"programs": sorted(programs, key=lambda row: -row["descriptors"]), "unseen": unseen}


def _foremost(rows: list[Limited], most: int) -> list[Limited]:
    """Return those with the most descriptors, and those that are nearest to their limit."""
    fullest = sorted(rows, key=lambda row: -row["descriptors"])[:most]
    nearest = sorted(rows, key=lambda row: -row["descriptors"] / max(row["soft"] or 1 << 31, 1))[:most]
    chosen = {row["pid"] for row in (*fullest, *nearest)}
    return [row for row in rows if row["pid"] in chosen]


def _rows(counted: Iterable[tuple[int, int]]) -> list[Limited]:
    rows: list[Limited] = []
    for pid, descriptors in counted:
        with contextlib.suppress(OSError):
            soft, hard = _limits(pid)
            rows.append({"pid": pid, "descriptors": descriptors, "soft": soft, "hard": hard})
    return rows


def _described(rows: Iterable[Limited], sought: set[int]) -> list[Program]:
    programs: list[Program] = []
    for row in rows:
        with contextlib.suppress(OSError):
            listens = _held(row["pid"], row["descriptors"], sought)
            programs.append({**row, **_about(row["pid"]), "listens": listens})
    return programs


def _counted(pids: list[int] | None) -> tuple[list[tuple[int, int]], int]:
    counted, unseen = [], 0
    count = _size if os.stat("/proc/self/fd").st_size else _estimate
    named: Iterable[str] = map(str, pids) if pids is not None else filter(str.isdigit, os.listdir("/proc"))
    for pid in named:
        try:
            size = count(pid)
        except PermissionError:
            unseen += 1
            continue
        except OSError:
            continue
        counted.append((int(pid), size))
    return counted, unseen


def _size(pid: str) -> int:
    return os.stat(f"/proc/{pid}/fd").st_size


def _estimate(pid: str) -> int:
    """Count the descriptors of a small table, and look at evenly spaced ones of a large one (proc(5), FDSize)."""
    slots = int(proc.status(_read(f"/proc/{pid}/status")).get("FDSize", "0"))
    if slots <= _LOOKS:
        return len(os.listdir(f"/proc/{pid}/fd"))
    os.close(os.open(f"/proc/{pid}/fd", os.O_RDONLY | os.O_DIRECTORY))  # PermissionError: an entry would just be absent
    held = sum(os.path.lexists(f"/proc/{pid}/fd/{number * slots // _LOOKS}") for number in range(_LOOKS))
    return held * slots // _LOOKS


def _limits(pid: int) -> tuple[int | None, int | None]:
    line = re.search(r"^Max open files\s+(\S+)\s+(\S+)", _read(f"/proc/{pid}/limits"), re.M)
    soft, hard = (int(n) if n.isdigit() else None for n in line.groups()) if line else (None, None)
    return soft, hard


def _about(pid: int) -> About:
    own = workers.stat(pid)
    able = proc.capabilities(proc.status(_read(f"/proc/{pid}/status")), _read(f"/proc/{pid}/uid_map"))
    return {
        "name": workers.named(own.name, _read(f"/proc/{pid}/cmdline")),
        "uid": os.stat(f"/proc/{pid}").st_uid,
        "ticks": own.ticks,
        "system_ticks": own.system_ticks,
        "threads": own.threads,
        "exempt": None if able is None else bool(able >> kernel.CAP_SYS_ADMIN & 1),
        "resource": None if able is None else bool(able >> kernel.CAP_SYS_RESOURCE & 1),
        "here": _is_local(pid),
        "started": _started(own.started),
    }


def _started(ticks: str) -> int | None:
    """Return when a process began, of its ticks since boot (proc_pid_stat(5), 22), in seconds since 1970."""
    if not ticks:
        return None
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return max(int(boot + int(ticks) / kernel.USER_HZ), 0)


def _is_local(pid: int) -> bool | None:
    """Say whether a process is in our network namespace; None where that is not for us to see (ptrace(2))."""
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino == os.stat("/proc/thread-self/ns/net").st_ino
    except OSError:
        return None


def _held(pid: int, descriptors: int, inodes: set[int]) -> list[int]:
    """Return which of the inodes are among the first descriptors; () where that is not for us to see.

    Of a program with few descriptors they are all looked at.
    """
    held = []
    if not inodes:
        return []
    try:
        among = os.listdir(f"/proc/{pid}/fd") if descriptors < _FEW else map(str, range(_FIRST))
    except OSError:
        return []
    for number in among:
        try:
            link = os.readlink(f"/proc/{pid}/fd/{number}")
        except PermissionError:
            return []
        except OSError:
            continue
        inode = link[8:-1] if link.startswith("socket:[") else ""
        if inode.isdecimal() and int(inode) in inodes:
            held.append(int(inode))
    return held


def _read(path: str) -> str:
    with open(path, "rb") as file:
        return file.read().decode(errors="replace")
