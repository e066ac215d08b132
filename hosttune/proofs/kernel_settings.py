"""The few kernel calls and numbers that Python has no name for yet, and writing a sysctl of one's own namespace."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal

NO_PORT = 24  # IP_BIND_ADDRESS_NO_PORT, linux/in.h
_PDEATHSIG = 1  # PR_SET_PDEATHSIG, prctl(2)
NAMES = {number: name for number, name in errno.errorcode.items()}


def unshare(flags: int) -> None:
    """Leave namespaces for new ones (unshare(2)); raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)  # os.unshare came with Python 3.12
    if libc.unshare(flags):
        raise OSError(ctypes.get_errno(), "unshare")


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent is gone, however that ends (prctl(2)); raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        os._exit(1)


def raise_nofile() -> int:
    """Raise the soft descriptor limit to the hard one, for this process only; returns how many can still be opened."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - open_descriptors()


def open_descriptors(below: int = 1 << 31) -> int:
    """Return how many descriptors below a limit this process has open (proc_pid_fd(5))."""
    # the one that lists them is among them, and gone when it is looked for
    return sum(int(fd) < below and os.path.lexists(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd"))


def write_sysctl(path: str, text: str) -> None:
    """Write a key, named as below /proc/sys, of the namespace this process is in; raises OSError."""
    fd = os.open(f"/proc/sys/{path}", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, f"{text}\n".encode())
    finally:
        os.close(fd)


def failure(call: str, number: int) -> str:
    """Return how a call failed, such as `connect: EADDRNOTAVAIL (99)`."""
    return f"{call}: {NAMES.get(number, 'errno')} ({number})"
