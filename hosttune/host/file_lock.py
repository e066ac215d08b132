"""A lock of one file among processes (flock(2)), which the kernel lets go of however the process ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator

from hosttune.errors import HostError
from hosttune.host.tree import Entry
from hosttune.model import Reason

Opening = Callable[[], contextlib.AbstractContextManager[Entry]]

_PAUSE = 0.05  # seconds between two tries


@contextlib.contextmanager
def locked(open_entry: Opening, wait: float, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock; raises OSError, and HostError where another process has it longer than `wait` seconds.

    `open_entry` gives the file's name in its directory; `waiting` is called with who holds it, at each try.
    """
    with open_entry() as at:
        # not through a link: in an image it could name any file to be made
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        fd, path = os.open(at.name, flags, 0o600, dir_fd=at.directory), at.path
    try:
        start = time.monotonic()
        while not _taken(fd):
            holder = f"process {os.pread(fd, 20, 0).decode('ascii', 'replace').strip() or '?'}"
            if time.monotonic() > start + wait:
                raise HostError(Reason.UNREADABLE, f"{path} is held by {holder}")
            waiting(holder)
            time.sleep(_PAUSE)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(fd)


def _taken(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
