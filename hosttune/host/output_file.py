"""Write the file that an option names, in the directory that was looked at: whole or not at all, and through no link
of another user, who could have it lead anywhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

from hosttune.host import owners
from hosttune.host.path_walk import Place, reached

_SUMS = ("security.ima", "security.evm")  # the kernel's own of a file and its inode: they fit no other text
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def place_of(path: str) -> Iterator[Place]:
    """Give the place that a path leads to, its directory open; raises OSError where a link of another is on the way."""
    with reached(path) as place:
        for link in place.strangers:
            whose = f"{link.path} is a link of {owners.user(link.uid)}"
            raise OSError(errno.ELOOP, f"{whose}, who can have it lead anywhere; name what it leads to")
        yield place


def write(path: str, data: bytes, mode: int) -> None:
    """Write a file; raises OSError. The umask narrows `mode`, whatever a file that is replaced has.

    A pipe or a character device is written to, never replaced: /dev/stdout, /dev/null, what a shell makes of >( ).
    """
    with place_of(path) as place:
        if place.inherited is not None:
            _all(place.inherited, data)
            return
        status = _there(place)
        if status is not None and not stat.S_ISREG(status.st_mode):
            _into(place, status, data)
            return
        _replace(place, data, mode & ~_umask(), None)


def renew(path: str, data: bytes, mode: int) -> None:
    """Replace a file, which keeps its mode, owner and labels; a new one gets `mode`. Raises OSError."""
    with place_of(path) as place:
        status = None if place.inherited is not None else _there(place)
        if place.inherited is not None or (status is not None and not stat.S_ISREG(status.st_mode)):
            raise OSError(errno.EINVAL, "no regular file")
        if status is None:
            _replace(place, data, mode, None)
            return
        old = os.open(place.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place.directory)
        try:
            _replace(place, data, stat.S_IMODE(os.fstat(old).st_mode), old)
        finally:
            os.close(old)


def remove_if(path: str, mark: bytes, most: int) -> None:
    """Remove a regular file of at most `most` bytes that has `mark` in it; raises OSError."""
    with place_of(path) as place:
        fd = os.open(place.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place.directory)
        try:
            regular = stat.S_ISREG(os.fstat(fd).st_mode)
            if regular and mark in os.pread(fd, most, 0):
                os.unlink(place.name, dir_fd=place.directory)
        finally:
            os.close(fd)


def append_to(path: str, mode: int) -> tuple[int, int, str]:
    """Return a regular file open for appending, and its directory and name; raises OSError.

    It is made where it is not there, and its mode is narrowed to `mode` where it is. Both descriptors are the caller's.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW
    with place_of(path) as place:
        if place.inherited is not None:
            raise OSError(errno.EINVAL, "not a regular file; name a file that can be appended to")
        fd = os.open(place.name, flags, mode, dir_fd=place.directory)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "not a regular file; name a file that can be appended to")
            if status.st_uid not in owners.trusted():
                raise OSError(errno.EPERM, f"it is a file of {owners.user(status.st_uid)}; give one of your own")
            if stat.S_IMODE(status.st_mode) & ~mode:
                os.fchmod(fd, stat.S_IMODE(status.st_mode) & mode)
            return fd, os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=place.directory), place.name
        except OSError:
            os.close(fd)
            raise


def synced(directory: int) -> None:
    """Make a name that came or went in an open directory survive a power cut (fsync(2)), where it can be read."""
    with contextlib.suppress(PermissionError):
        fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _there(place: Place) -> os.stat_result | None:
    try:
        return os.stat(place.name, dir_fd=place.directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _into(place: Place, seen: os.stat_result, data: bytes) -> None:
    """Write into what is no regular file."""
    if stat.S_ISDIR(seen.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not (stat.S_ISFIFO(seen.st_mode) or stat.S_ISCHR(seen.st_mode)):
        raise OSError(errno.EINVAL, "neither a file nor a pipe")
    if seen.st_uid not in owners.trusted():
        raise OSError(errno.EPERM, f"it is {owners.user(seen.st_uid)}'s, who would read it all")
    # a FIFO that nobody reads is an error (ENXIO), not waited for: fifo(7)
    flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        fd = os.open(place.name, flags, dir_fd=place.directory)
    except OSError as error:
        if error.errno == errno.ENXIO and stat.S_ISFIFO(seen.st_mode):
            raise OSError(errno.ENXIO, "a pipe that nobody reads; start its reader first") from error
        raise
    try:
        if not os.path.samestat(seen, os.fstat(fd)):
            raise OSError(errno.ESTALE, "it was exchanged while it was opened")
        os.set_blocking(fd, True)
        _all(fd, data)
    finally:
        os.close(fd)


def _replace(place: Place, data: bytes, mode: int, like: int | None) -> None:
    """Put a file in place of what has the name, a link too; `like` is an open file whose owner and labels it gets."""
    temporary = f".hosttune-{os.urandom(8).hex()}"
    fd = os.open(temporary, _NEW, 0o600, dir_fd=place.directory)
    try:
        try:
            _all(fd, data)
            if like is not None:
                _liken(fd, like)
            os.fchmod(fd, mode)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temporary, place.name, src_dir_fd=place.directory, dst_dir_fd=place.directory)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=place.directory)
        raise
    synced(place.directory)


def _liken(fd: int, like: int) -> None:
    old, new = os.fstat(like), os.fstat(fd)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.fchown(fd, old.st_uid, old.st_gid)
    try:
        names = os.listxattr(like)
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return
        raise
    for name in names:
        if name not in _SUMS:
            os.setxattr(fd, name, os.getxattr(like, name))


def _all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _umask() -> int:
    """Return the mask of this process, which is read: to set and restore it would be seen by other threads."""
    try:
        with open("/proc/thread-self/status", encoding="ascii", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
        return int(fields["Umask"], 8)  # proc_pid_status(5)
    except (OSError, KeyError, ValueError):
        mask = os.umask(0o077)
        os.umask(mask)
        return mask
