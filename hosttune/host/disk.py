"""Writes to a file system, each a small step, so that a crash between any two leaves a whole file: the old or the new.

The temporary file lies beside its target under one fixed name that no loader reads (it begins with a dot and does not
end in .conf), so that what a crash leaves behind is found and removed.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from hosttune.model import FileState

T = TypeVar("T")


class Disk:
    """The system calls that change files; each passes `step`, which a test may make fail."""

    def step(self, what: str, path: str, call: Callable[[], T]) -> T:
        """Make one system call; `what` is its name."""
        return call()

    def replace(self, path: str, state: FileState) -> None:
        """Put a whole file in place: temporary file, owner, mode, attributes, fsync, rename, fsync of the directory."""
        temporary = temporary_of(path)
        self.discard(temporary)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = self.step("create", temporary, lambda: os.open(temporary, flags, 0o600))
        try:
            try:
                self._fill(fd, temporary, state)
            finally:
                os.close(fd)
            self.step("rename", path, lambda: os.rename(temporary, path))
        except OSError:
            # what a full disk has left is no use to anybody; if even that fails, the error that counts is the first
            with contextlib.suppress(OSError):
                self.discard(temporary)
            raise
        self.sync_directory(path)

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

    def remove(self, path: str) -> None:
        """Remove a file and make that last."""
        self.step("unlink", path, lambda: os.unlink(path))
        self.sync_directory(path)

    def discard(self, path: str) -> None:
        """Remove a file that may not be there."""
        if os.path.lexists(path):
            self.step("unlink", path, lambda: os.unlink(path))

    def make_directory(self, path: str) -> None:
        """Make one directory, mode 0755 whatever the umask (and never wider), and make that last."""
        self.step("mkdir", path, lambda: os.mkdir(path, 0o755))
        self.step("chmod", path, lambda: os.chmod(path, 0o755))
        self.sync_directory(path)

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory and make that last."""
        self.step("rmdir", path, lambda: os.rmdir(path))
        self.sync_directory(path)

    def sync_directory(self, path: str) -> None:
        """Make a name that came or went in the directory of `path` survive a power cut (fsync(2))."""
        parent = os.path.dirname(path)
        fd = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.step("fsync", parent, lambda: os.fsync(fd))
        finally:
            os.close(fd)

    def write_in_place(self, path: str, text: str) -> None:
        """Write text into a file that exists, in one system call, as a sysctl wants it."""

        def call() -> None:
            fd = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
            try:
                os.write(fd, text.encode("utf-8", "surrogateescape"))
            finally:
                os.close(fd)

        self.step("poke", path, call)


def temporary_of(path: str) -> str:
    """Return the name under which a file is prepared before it takes its place."""
    directory, _, name = path.rpartition("/")
    return f"{directory}/.{name}.hosttune-new"


def state_of(path: str) -> FileState | None:
    """Return a regular file with all that `replace` puts back, None where there is none; raises OSError."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        found = os.fstat(fd)
        with os.fdopen(os.dup(fd), "rb") as file:
            data = file.read()
        return FileState(
            data.decode("utf-8", "surrogateescape"), found.st_mode & 0o7777, found.st_uid, found.st_gid, _attributes(fd)
        )
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
