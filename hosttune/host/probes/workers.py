"""Which processes of a program do the work: one that only keeps others, such as a master of workers, does not.

proc(5).
"""

from __future__ import annotations

import errno
import os
import re
from typing import TypedDict

from hosttune.host import proc
from hosttune.host.answers import Count

# the name of a machine that runs programs, and an argument by which one of them is known
MACHINES = {"beam.smp": {"tsung": re.compile(r"\btsung")}}


class Worker(TypedDict):
    """A process, what the program is called, and a number that processes of one command line share."""

    pid: Count
    name: str
    alike: Count


def run(pids: list[int]) -> list[Worker]:
    """Return those that do the work: these, or the children alike of one; without those that only keep others."""
    processes: dict[int, tuple[str, str, int]] = {}
    for pid in [*pids, *children(pids[0])] if len(pids) == 1 else pids:
        try:
            processes[pid] = _who(pid)
        except OSError:
            continue
    keepers = {
        parent for _, (name, _, parent) in processes.items() if parent in processes and processes[parent][0] == name
    }
    if len(pids) == 1:
        own = processes.get(pids[0], ("", "", 0))[0]
        processes = {pid: who for pid, who in processes.items() if who[0] == own}
    titles: dict[str, int] = {}
    return [
        {"pid": pid, "name": named(name, line), "alike": titles.setdefault(line, len(titles))}
        for pid, (name, line, _) in sorted(processes.items())
        if pid not in keepers
    ]


def children(pid: int) -> list[int]:
    """Return the children of a process's first thread, [] where they cannot be seen."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def _who(pid: int) -> tuple[str, str, int]:
    """Return name, command line and parent; raises OSError where the process is gone."""
    own = stat(pid)
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return own.name, file.read().decode(errors="replace"), own.parent


def stat(pid: int) -> proc.Stat:
    """Return what /proc/PID/stat says; raises OSError where the process is gone."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = proc.stat(file.read().decode(errors="replace"))
    if fields is None:
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
    return fields


def named(name: str, line: str) -> str:
    """Return the program that a process of this name and command line runs."""
    return next((program for program, mark in MACHINES.get(name, {}).items() if mark.search(line)), name)
