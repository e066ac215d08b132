"""Writes to a file system, each a small step, so that a crash between any two leaves a whole file: the old or the new.

The temporary file lies beside its target under one fixed name that no loader reads (it begins with a dot and does not
end in .conf), so that what a crash leaves behind is found and removed. All is done by name in an open directory: what
has become of the path to it meanwhile does not count.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from hosttune.errors import HostError
from hosttune.host.reading import OPENING, read_bounded
from hosttune.host.tree import Entry, stat_of
from hosttune.model import FileState, Reason

T = TypeVar("T")


class Disk:
    """The system calls that change files; each passes `step`, which a test may make fail."""

    def step(self, what: str, path: str, call: Callable[[], T]) -> T:
        """Make one system call; `what` is its name."""
        return call()

    def replace(self, at: Entry, state: FileState) -> None:
        """Put a whole file in place: temporary file, owner, mode, attributes, fsync, rename, fsync of the directory.

        The directory of `at` is open for reading, as it is for all that follows here.
        """
        temporary = temporary_of(at)
        self.discard(temporary)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = self.step(
            "create", temporary.path, lambda: os.open(temporary.name, flags, 0o600, dir_fd=temporary.directory)
        )
        try:
            try:
                self._fill(fd, temporary.path, state)
            finally:
                os.close(fd)
            directories = {"src_dir_fd": at.directory, "dst_dir_fd": at.directory}
            self.step("rename", at.path, lambda: os.rename(temporary.name, at.name, **directories))
        except OSError:
            # what a full disk has left is no use to anybody; if even that fails, the error that counts is the first
            with contextlib.suppress(OSError):
                self.discard(temporary)
            raise
        self._sync(at)

    def _fill(self, fd: int, path: str, state: FileState) -> None:
        data = memoryview(state.text.encode("utf-8", "surrogateescape"))
        while data:
            data = data[self.step("write", path, partial(os.write, fd, data)) :]
        made = os.fstat(fd)
        uid = made.st_uid if state.uid is None else state.uid
        gid = made.st_gid if state.gid is None else state.gid
        if (uid, gid) != (made.st_uid, made.st_gid):  # a unit may be forbidden to ask, even for what is so already
            self.step("chown", path, lambda: os.fchown(fd, uid, gid))
        # after chown, which drops set-user-ID bits
        self.step("chmod", path, lambda: os.fchmod(fd, state.mode))
        for name, value in state.attributes:
            self._label(fd, path, name, bytes.fromhex(value))
        self.step("fsync", path, lambda: os.fsync(fd))

    def _label(self, fd: int, path: str, name: str, value: bytes) -> None:
        try:
            self.step("setxattr", path, lambda: os.setxattr(fd, name, value))
        except OSError as error:
            # a file system without attributes had none to keep
            if error.errno != errno.EOPNOTSUPP:
                raise

    def remove(self, at: Entry) -> None:
        """Remove a file and make that last."""
        self.step("unlink", at.path, lambda: os.unlink(at.name, dir_fd=at.directory))
        self._sync(at)

    def discard(self, at: Entry) -> None:
        """Remove a file that may not be there."""
        if stat_of(at) is not None:
            self.step("unlink", at.path, lambda: os.unlink(at.name, dir_fd=at.directory))

    def make_directory(self, at: Entry) -> None:
        """Make one directory, mode 0755 whatever the umask (and never wider), and make that last."""
        self.step("mkdir", at.path, lambda: os.mkdir(at.name, 0o755, dir_fd=at.directory))
        # not by name: a link may have taken its place, and chmod(2) would follow it
        fd = os.open(at.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at.directory)
        try:
            self.step("chmod", at.path, lambda: os.fchmod(fd, 0o755))
        finally:
            os.close(fd)
        self._sync(at)

    def remove_directory(self, at: Entry) -> None:
        """Remove an empty directory and make that last."""
        self.step("rmdir", at.path, lambda: os.rmdir(at.name, dir_fd=at.directory))
        self._sync(at)

    def _sync(self, at: Entry) -> None:
        """Make a name that came or went survive a power cut (fsync(2))."""
        self.step("fsync", os.path.dirname(at.path), lambda: os.fsync(at.directory))

    def write_in_place(self, path: str, text: str, opening: Callable[[], int]) -> None:
        """Write text into a file that exists, in one system call, as a sysctl needs it; `opening` opens it."""

        def call() -> None:
            fd = opening()
            try:
                os.write(fd, text.encode("utf-8", "surrogateescape"))
            finally:
                os.close(fd)

        self.step("poke", path, call)


def refusal(directory: int, name: str = "") -> str:
    """Return why a file of a directory, or the directory itself, takes no writes; "" where it does."""
    if os.access(name or ".", os.W_OK if name else os.W_OK | os.X_OK, dir_fd=directory):
        return ""
    read_only = os.fstatvfs(directory).f_flag & os.ST_RDONLY
    return os.strerror(errno.EROFS if read_only else errno.EACCES).lower()


def temporary_of(at: Entry) -> Entry:
    """Return the name under which a file is prepared before it takes its place."""
    return at.beside(f".{at.name}.hosttune-new")


def state_of(at: Entry, limit: int) -> FileState | None:
    """Return a regular file of at most `limit` bytes with all that `replace` puts back, None where there is none.

    Raises OSError, and HostError for anything else that has the name.
    """
    status = stat_of(at)
    if status is None:
        return None
    # a link, or a device that does something when it is opened: what has the name then is judged again below
    if not stat.S_ISREG(status.st_mode):
        raise HostError(Reason.UNREADABLE, f"{at.path} is not a regular file")
    try:
        fd = os.open(at.name, OPENING | os.O_NOFOLLOW, dir_fd=at.directory)
    except FileNotFoundError:
        return None
    try:
        status = os.fstat(fd)
        text = read_bounded(fd, limit, at.path).decode("utf-8", "surrogateescape")
        return FileState(text, status.st_mode & 0o7777, status.st_uid, status.st_gid, _attributes(fd))
    finally:
        os.close(fd)


# the kernel's own sums of a file and its inode: they do not fit another text, and nobody else may set them
_SUMS = ("security.ima", "security.evm")


def _attributes(fd: int) -> tuple[tuple[str, str], ...]:
    try:
        names = [name for name in sorted(os.listxattr(fd)) if name not in _SUMS]
        return tuple((name, os.getxattr(fd, name).hex()) for name in names)
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return ()
        raise
