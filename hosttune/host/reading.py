"""Read a file that is open already: what was judged is what is read, and no file has more than its bound."""

from __future__ import annotations

import errno
import os
import stat

from hosttune.errors import HostError
from hosttune.model import Reason

OPENING = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
"""How to open what may be anything: without O_NONBLOCK the open of a FIFO waits for a writer (fifo(7))."""

_PIECE = 1 << 18  # /proc makes its text at each read: a large buffer gets a small file in one consistent piece
_NULL = os.makedev(1, 3)  # Documentation/admin-guide/devices.txt


class TooLargeError(HostError):
    """A file of more than `limit` bytes; `size` is what it is known to have."""

    def __init__(self, what: str, size: int, limit: int) -> None:
        super().__init__(Reason.UNREADABLE, f"{what} is larger than {size_text(limit)}")
        self.size, self.limit = size, limit


def read_bounded(fd: int, limit: int, what: str) -> bytes:
    """Return all of an open regular file, or b"" for /dev/null; open it with OPENING.

    `limit` is in bytes; `what` names the file in errors. Raises HostError(UNREADABLE): a directory, a device, a pipe,
    a socket, more than `limit` bytes, or an error of the file system.
    """
    try:
        status = os.fstat(fd)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(status.st_mode) and not is_null(status):
            raise HostError(Reason.UNREADABLE, f"{what} is not a regular file")
        pieces: list[bytes] = []
        size = status.st_size  # of /proc and /sys it is 0 or a page, whatever the text
        if size <= limit:
            size = 0
            while piece := os.read(fd, min(_PIECE, limit + 1 - size)):
                size += len(piece)
                pieces.append(piece)
                if size > limit:
                    break
    except OSError as error:
        raise host_error(error, what) from error
    if size > limit:
        raise TooLargeError(what, max(status.st_size, size), limit)
    return b"".join(pieces)


def is_null(status: os.stat_result) -> bool:
    """Say whether this is /dev/null, which stands for an empty file."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == _NULL


def host_error(error: OSError, what: str) -> HostError:
    """Return an error of a system call as the answer of a host: absent, or unreadable and why."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ESRCH):
        known = error.strerror in (None, os.strerror(error.errno))
        return HostError(Reason.ABSENT, what if known else f"{what}: {error.strerror}")
    return HostError(Reason.UNREADABLE, f"{what}: {error.strerror or os.strerror(error.errno or 0)}")


def size_text(size: int) -> str:
    """Return a bound in the unit that it is written in: 8 MiB, 64 KiB."""
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB"


def of_thread(path: str) -> str:
    """Return the path at which this thread sees a file of its network namespace, which may be one of its own.

    /proc/net is that of the first thread, as all below /proc/self is (fs/proc/proc_net.c, fs/proc/thread_self.c).
    """
    if path.startswith(("/proc/net/", "/proc/self/ns/")):
        return f"/proc/thread-self/{path.removeprefix('/proc/self/').removeprefix('/proc/')}"
    return path
