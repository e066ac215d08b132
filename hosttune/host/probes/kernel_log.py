"""What the kernel has written of limits that were met (syslog(2)): those lines only, with their age.

It takes CAP_SYSLOG where kernel.dmesg_restrict is 1.
"""

from __future__ import annotations

import ctypes
import os
import re
import time
from typing import TypedDict

from hosttune.errors import HostError
from hosttune.host.answers import Number
from hosttune.model import Reason

_READ_ALL, _SIZE = 3, 10  # SYSLOG_ACTION_READ_ALL, SYSLOG_ACTION_SIZE_BUFFER
_LARGEST = 16 << 20
_MOST = 400
_LINE = re.compile(r"^<\d+>\[\s*(\d+\.\d+)\](?:\[\s*[A-Z]\d+\])? (.*)$", re.M)
# net/netfilter/nf_conntrack_core.c, net/ipv4/tcp_input.c, net/core/neighbour.c, fs/file_table.c, net/ipv4/tcp.c,
# mm/oom_kill.c, mm/memcontrol.c, kernel/cgroup/pids.c
_ABOUT = re.compile(
    r"nf_conntrack|SYN flooding|neighbou?r table overflow|file-max limit|orphaned sockets|[Oo]ut of (socket )?memory"
    r"|oom-kill|fork rejected|bucket table overflow"
)


class Line(TypedDict):
    """A line and its age in seconds."""

    age: Number
    text: str


def run() -> list[Line]:
    """Return each line that matters, the oldest first; raises HostError."""
    libc = ctypes.CDLL(None, use_errno=True)
    size = libc.klogctl(_SIZE, None, 0)
    buffer = ctypes.create_string_buffer(min(max(size, 1 << 16), _LARGEST))
    length = libc.klogctl(_READ_ALL, buffer, len(buffer))
    if length < 0:
        raise HostError(Reason.UNREADABLE, f"the kernel's log: {os.strerror(ctypes.get_errno())}")
    now = time.clock_gettime(time.CLOCK_MONOTONIC)
    lines = _LINE.findall(buffer.raw[:length].decode(errors="replace"))
    matching: list[Line] = [
        {"age": round(max(now - float(at), 0.0), 1), "text": text[:300]} for at, text in lines if _ABOUT.search(text)
    ]
    return matching[-_MOST:]
