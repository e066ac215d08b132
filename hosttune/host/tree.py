"""Open what lies below a root directory and nothing else, whoever changes the tree meanwhile.

The root is opened once. A path is walked from there on descriptors, each component with O_NOFOLLOW, so that a name
that is exchanged for a link in the middle of it leads nowhere; links and `..` are followed here, and stay below the
root. What is written is written by name in the open directory (openat(2) and its kin), never by a path a second time.
"""

from __future__ import annotations

import contextlib
import errno
import os
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hosttune.errors import RefusedError
from hosttune.host.components import Components

_NO_KERNEL = "an image has no kernel"
_KERNEL = ("proc", "sys")
_STEPS_ALL = 500_000
"""Components of all links that one run follows, which takes some seconds; links that fan out have no end."""
_DEPTH = 64
"""Directories in each other, which are open all at once; no file that we read or write has more than 12 above it."""

_OPENAT2 = 437  # the same on all architectures, arch/*/kernel/syscalls; Python has no os.openat2
_NO_SYMLINKS, _IN_ROOT = 0x04, 0x10  # include/uapi/linux/openat2.h; the first covers the magic links of /proc too
# no such call (before Linux 5.6, or a filter of a container), a link on the way, or a race: the walk decides
_WALK = (errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.E2BIG, errno.ELOOP, errno.EXDEV, errno.EAGAIN, errno.EINTR)


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in an open directory, whatever has that name; `path` is for people."""

    directory: int
    name: str
    path: str

    def beside(self, name: str) -> Entry:
        """Return another name in the same directory."""
        return Entry(self.directory, name, f"{self.path.rpartition('/')[0]}/{name}")


class Tree:
    """What lies below `top`: the machine's own files where that is "", which the kernel alone resolves.

    Of an `image` /proc and /sys are not seen, whatever is mounted there. With `openat2` the kernel resolves the paths
    that have no link in them, in one call. All raise OSError, and RefusedError where links lead on and on.
    """

    def __init__(self, top: str = "", image: bool = False, openat2: bool = True) -> None:
        self.image = image
        self._top = -1
        self._spent = 0
        self._openat2: Any = _call() if openat2 and top else None
        if top:
            self._top = os.open(top, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            weakref.finalize(self, os.close, self._top)

    def open(self, path: str, flags: int) -> int:
        """Open a path that exists; with O_NOFOLLOW in the flags its last component is no link, or is opened as one."""
        flags |= os.O_CLOEXEC
        try:
            if b"\0" in os.fsencode(path):
                raise ValueError
        except ValueError as error:  # what no file system can hold, a lone surrogate too
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), repr(path)) from error
        if self._top < 0:
            return os.open(path, flags)
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if self._openat2 is not None and ".." not in parts:
            self._check_kernel(parts)
            fd = self._openat2(self._top, "/".join(parts) or ".", flags)
            if fd >= 0:
                return int(fd)
        return self._walk(parts, flags)

    @contextlib.contextmanager
    def opened(self, path: str, flags: int) -> Iterator[int]:
        """Open a path as `open` does, and close it in the end."""
        fd = self.open(path, flags)
        try:
            yield fd
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def entry(self, path: str, flags: int = os.O_PATH) -> Iterator[Entry]:
        """Give the name that a path ends in, and its directory open; the name itself is not followed.

        `flags` are those of the directory: O_RDONLY where it is to be synced (fsync(2)), which asks for more rights.
        """
        parent, _, name = path.rstrip("/").rpartition("/")
        if name in ("", ".", ".."):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
        if self.image and not parent:
            self._check_kernel([name])
        with self.opened(parent or "/", flags | os.O_DIRECTORY) as directory:
            yield Entry(directory, name, path)

    def _walk(self, parts: list[str], flags: int) -> int:
        """Open a path component by component."""
        todo = Components("/".join(parts))
        with _Way(self._top) as way:
            for name, last in todo:
                if name == "..":
                    way.up()
                    continue
                self._check_kernel([*way.names, name])
                target = "" if last and flags & os.O_NOFOLLOW else _link(name, way.end)
                if target:
                    self._spend(target, parts)
                    if todo.follow(target):
                        way.back()
                elif last:
                    return os.open(name, flags | os.O_NOFOLLOW, dir_fd=way.end)
                else:
                    way.enter(name)
            return os.open(".", flags, dir_fd=way.end)

    def _spend(self, target: str, parts: list[str]) -> None:
        self._spent += target.count("/") + 1
        if self._spent > _STEPS_ALL:
            raise RefusedError(f"/{'/'.join(parts)}: its symbolic links lead through too many others")

    def _check_kernel(self, parts: list[str]) -> None:
        if self.image and parts[:1] and parts[0] in _KERNEL:
            raise FileNotFoundError(errno.ENOENT, _NO_KERNEL)


class _Way:
    """The directories on the way down from the root, all open, and what they are called there."""

    def __init__(self, top: int) -> None:
        self._open = [os.dup(top)]
        self.names: list[str] = []

    def __enter__(self) -> _Way:
        return self

    def __exit__(self, *_: object) -> None:
        for fd in self._open:
            os.close(fd)

    @property
    def end(self) -> int:
        return self._open[-1]

    def enter(self, name: str) -> None:
        if len(self._open) > _DEPTH:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        self._open.append(os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.end))
        self.names.append(name)

    def up(self) -> None:
        if self.names:  # above the root is the root
            self.names.pop()
            os.close(self._open.pop())

    def back(self) -> None:
        while self.names:
            self.up()


@contextlib.contextmanager
def named(path: str) -> Iterator[Entry]:
    """Give the entry of a path that a person named, which the kernel resolves; raises OSError."""
    with Tree().entry(os.path.abspath(path), os.O_RDONLY) as entry:
        yield entry


def stat_of(entry: Entry) -> os.stat_result | None:
    """Return what has a name, not followed; None where nothing has it. Raises OSError."""
    try:
        return os.stat(entry.name, dir_fd=entry.directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _link(name: str, directory: int) -> str:
    """Return where a link points, "" for anything else."""
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return ""
        raise


def _call() -> Any:
    """Return openat2(2) of directory, name and flags: it gives a descriptor, or -1 where the walk has to decide."""
    import ctypes

    class OpenHow(ctypes.Structure):
        _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))

    libc = ctypes.CDLL(None, use_errno=True)
    size = ctypes.c_size_t(ctypes.sizeof(OpenHow))

    def openat2(directory: int, name: str, flags: int) -> int:
        how = OpenHow(flags, 0, _IN_ROOT | _NO_SYMLINKS)
        path = os.fsencode(name)
        fd = int(libc.syscall(ctypes.c_long(_OPENAT2), ctypes.c_int(directory), path, ctypes.byref(how), size))
        if fd < 0 and (number := ctypes.get_errno()) not in _WALK:
            raise OSError(number, os.strerror(number), name)
        return fd

    return openat2
