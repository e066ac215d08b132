"""Read the file that an option names: opened once, never waited for, a regular file of at most its bound.

Of root's, who can write the file and all that leads to it is judged on the descriptors through which it is read.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hosttune.errors import HostError
from hosttune.host import owners
from hosttune.host.owners import Doubt
from hosttune.host.path_walk import Place, reached
from hosttune.host.reading import OPENING, is_null, read_bounded
from hosttune.model import Reason

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Given:
    """What a file holds, and what lets others than root write it (only root's reading is judged, else empty)."""

    data: bytes
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class Log:
    """The end of what a log holds; `cut`: its writer went on beyond the time that it was given.

    `written` is when the file was written last, in seconds since 1970, None for what is no file.
    """

    data: bytes
    cut: bool = False
    written: int | None = None


def read(path: str, limit: int) -> Given:
    """Return a regular file of at most `limit` bytes; raises OSError, or HostError for what is none or is larger."""
    with opened(path) as (fd, doubts):
        return Given(read_bounded(fd, limit, path), doubts)


@contextlib.contextmanager
def opened(path: str) -> Iterator[tuple[int, tuple[Doubt, ...]]]:
    """Give a descriptor of what a path names, and the doubts about it; raises OSError. A FIFO is not waited for."""
    with contextlib.ExitStack() as held:
        if "\0" in path:  # which open(2) never sees
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if os.geteuid() == 0:
            fd, doubts = _judged(held.enter_context(reached(path)))
        else:
            fd, doubts = os.open(path, OPENING), ()
        held.callback(os.close, fd)
        yield fd, doubts


def why(error: OSError | HostError) -> str:
    """Return what is wrong with a file in the words that follow its name: `no such file`."""
    if isinstance(error, HostError):
        if error.reason is Reason.ABSENT and error.detail.startswith("/") and ": " not in error.detail:
            return "no such file"  # a host says of what is absent where it would be (see `reading.host_error`)
        detail = error.detail.partition(": ")[2] or error.detail
        for words in (" is not a regular file", " is larger than "):
            if words in error.detail:
                detail = (words + error.detail.rpartition(words)[2]).removeprefix(" is ")
        return "a directory" if detail == os.strerror(errno.EISDIR) else detail
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "no such file"
    return "a directory" if error.errno == errno.EISDIR else error.strerror or str(error)


def read_end(path: str, limit: int, seconds: float) -> Log:
    """Return the last `limit` bytes of a log; raises OSError, or HostError for a device or a socket.

    A pipe will do too, "-" is what comes in: it is read until it ends, or for `seconds`.
    """
    if path == "-":
        return _end(0, path, limit, seconds)
    with opened(path) as (fd, _):
        return _end(fd, path, limit, seconds)


def _judged(place: Place) -> tuple[int, tuple[Doubt, ...]]:
    """Return a descriptor of the place to read, and what lets others write it; a device is not opened."""
    if place.inherited is not None:
        fd = os.open(f"/proc/self/fd/{place.inherited}", OPENING)
        return fd, _with_own(fd, place)
    seen = os.stat(place.name, dir_fd=place.directory, follow_symlinks=False)
    if stat.S_ISBLK(seen.st_mode) or (stat.S_ISCHR(seen.st_mode) and not is_null(seen)):
        # to open a device can do something: O_PATH does nothing, and is enough to say what it is
        return os.open(place.name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place.directory), ()
    fd = os.open(place.name, OPENING | os.O_NOFOLLOW, dir_fd=place.directory)
    try:
        if not os.path.samestat(seen, os.fstat(fd)):
            raise OSError(errno.ESTALE, "was exchanged while it was opened")
        return fd, _with_own(fd, place)
    except OSError:
        os.close(fd)
        raise


def _with_own(fd: int, place: Place) -> tuple[Doubt, ...]:
    own = owners.doubt(fd, place.path)
    return tuple(replace(doubt, file=place.path) for doubt in (*([own] if own else []), *place.doubts))


def _end(fd: int, path: str, limit: int, seconds: float) -> Log:
    seen = os.fstat(fd)
    mode = seen.st_mode
    if stat.S_ISREG(mode):
        size = seen.st_size
        os.lseek(fd, max(size - limit, 0), os.SEEK_SET)
        # what is written on meanwhile is not followed
        return Log(_exactly(fd, min(size, limit)), written=max(int(seen.st_mtime), 0))
    if stat.S_ISFIFO(mode) or (path == "-" and not stat.S_ISDIR(mode)):
        return _come_in(fd, limit, seconds)
    read_bounded(fd, limit, path)  # raises what it is
    return Log(b"")


def _exactly(fd: int, size: int) -> bytes:
    pieces: list[bytes] = []
    while size > 0 and (piece := os.read(fd, min(_PIECE, size))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _come_in(fd: int, limit: int, seconds: float) -> Log:
    """Read what others write until they end, or the time is over; a FIFO that nobody writes is at its end."""
    until = time.monotonic() + seconds
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    pieces: deque[bytes] = deque()
    held = 0
    while (left := until - time.monotonic()) > 0:
        if not poll.poll(left * 1000):
            break
        try:
            piece = os.read(fd, _PIECE)
        except BlockingIOError:
            continue
        if not piece:
            return Log(b"".join(pieces)[-limit:])
        pieces.append(piece)
        held += len(piece)
        while held - len(pieces[0]) >= limit:
            held -= len(pieces.popleft())
    return Log(b"".join(pieces)[-limit:], True)
