"""Look from inside another network namespace: this thread enters it, so /proc/sys/net and netlink answer for it."""

from __future__ import annotations

import ctypes
import os
import re

from hosttune.errors import UsageError

_CLONE_NEWNET = 0x40000000  # linux/sched.h


def enter_named(name: str) -> None:
    """Enter a namespace made by `ip netns add NAME` (ip-netns(8)); raises UsageError."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:@-]*", name):
        raise UsageError(f"--netns {name!r}: not a namespace's name; `ip netns list` shows them")
    _enter(f"/run/netns/{name}", f"--netns {name}", "`ip netns list` shows those there are")


def enter_process(pid: int) -> str:
    """Enter the namespace of a process; return "", or why its network could not be looked at; raises UsageError."""
    if not os.path.isdir(f"/proc/{pid}"):
        raise UsageError(f"--pid {pid}: no such process; `ps -e` shows those that run")
    if not os.access(f"/proc/{pid}/ns/net", os.R_OK):
        return f"the network namespace of process {pid}, which may be another than this one"
    _enter(f"/proc/{pid}/ns/net", f"--pid {pid}", "is it running, and are you root?")
    return ""


def _enter(path: str, option: str, mend: str) -> None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"{option}: {os.strerror(error.errno or 0)}; {mend}") from error
    try:
        here = os.stat("/proc/self/ns/net")
        if os.fstat(fd).st_ino == here.st_ino:
            return
        libc = ctypes.CDLL(None, use_errno=True)  # os.setns came with Python 3.12
        if libc.setns(fd, _CLONE_NEWNET):
            raise UsageError(f"{option}: {os.strerror(ctypes.get_errno())}; entering a namespace takes root")
    finally:
        os.close(fd)
