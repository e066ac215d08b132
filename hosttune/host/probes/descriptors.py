"""How many descriptors processes hold: the size of /proc/PID/fd, for to list it would cost a kernel inode each.

fs/proc/fd.c, proc_fd_getattr(): the size is that count since Linux 6.2, and 0 before.
"""

from __future__ import annotations

import os

from hosttune.errors import HostError
from hosttune.host.answers import Count, Pid
from hosttune.model import Reason


def run(pids: list[int]) -> dict[Pid, Count]:
    """Return the open descriptors of each process that still runs; raises HostError where the kernel does not count."""
    if not os.stat("/proc/self/fd").st_size:
        raise HostError(Reason.ABSENT, "before Linux 6.2 the kernel does not count the descriptors of a process")
    counts: dict[str, int] = {}
    for pid in pids:
        try:
            counts[str(pid)] = os.stat(f"/proc/{pid}/fd").st_size
        except (FileNotFoundError, PermissionError):
            continue
    return counts
