"""A machine that answers now: the running one, or a tree below a root directory (an image, a chroot)."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import fnmatch
import os
import stat
import time
from collections.abc import Callable, Iterator
from typing import Any

from hosttune import registry
from hosttune.errors import HostError, UsageError
from hosttune.host.disk import Disk, state_of, temporary_of
from hosttune.model import FileState, Reason

LARGEST = 8 << 20
"""Bytes: no configuration or /proc file that we read comes near; a larger one is refused, not swallowed."""

_KERNEL = ("/proc/", "/sys/")
_LINKS = 40  # as the kernel's own limit, path_resolution(7)


class LiveHost:
    """The files below `root`, and the kernel's answers where it `runs`: where `root` is "/".

    An image has no kernel: what is mounted at its /proc and /sys is that of the machine it lies on, and is not seen.
    """

    def __init__(self, root: str = "/", disk: Disk | None = None) -> None:
        self._disk = disk or Disk()
        if not root:
            raise UsageError("--root: it is empty; name the top of an image or chroot, or leave it out")
        self.runs = root == "/"
        self.root = os.path.realpath(root)
        if not os.path.isdir(self.root):
            raise UsageError(f"--root {root}: not a directory; name the top of an image or chroot")
        if not os.access(self.root, os.R_OK | os.X_OK):
            raise UsageError(f"--root {root}: cannot be read; run as a user who may, or as root")

    def read(self, path: str) -> str:
        """Return a file's whole text; raises HostError. Devices other than /dev/null, pipes and sockets are refused."""
        real = self._resolve(path)
        try:
            # O_NONBLOCK: opening a FIFO that somebody left as a *.conf must not hang
            fd = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except OSError as error:
            raise _host_error(error, path) from error
        try:
            return _read_all(fd, path)
        except OSError as error:
            raise _host_error(error, path) from error
        finally:
            os.close(fd)

    def glob(self, pattern: str) -> list[str]:
        """Return the sorted paths that match, dangling links included; unreadable directories match nothing."""
        found = [""]
        for part in pattern.strip("/").split("/"):
            found = [f"{base}/{name}" for base in found for name in self._matching(base, part)]
        return sorted(found)

    def probe(self, name: str, **args: Any) -> Any:
        """Ask the running kernel; raises HostError, always so below another root."""
        if self.root != "/":
            raise HostError(Reason.UNDECIDED, f"{self.root} is an image, no kernel answers for it")
        try:
            return registry.load("hosttune.host.probes", name).run(**args)
        except OSError as error:
            # none of these is a bug: a process ends, a file of /proc is hidden
            raise HostError(Reason.UNREADABLE, f"{name}: {os.strerror(error.errno or 0)}") from error

    def state(self, path: str) -> FileState | None:
        """Return a file as it can be put back, None where there is none; raises HostError for a link or a device."""
        real = self._resolve(path, last=False)
        try:
            found = os.lstat(real)
            if not stat.S_ISREG(found.st_mode):
                raise HostError(Reason.UNREADABLE, f"{path} is not a regular file")
            if found.st_size > LARGEST:
                raise HostError(Reason.UNREADABLE, f"{path} is larger than {LARGEST >> 20} MiB")
            return state_of(real)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _host_error(error, path) from error

    def link(self, path: str) -> str:
        """Return where a symbolic link points, as it is written; "" for anything else (readlink(2))."""
        try:
            return os.readlink(self._resolve(path, last=False))
        except (OSError, HostError):
            return ""

    def may_write(self, path: str) -> bool:
        """Say whether an existing file, or the nearest existing directory above one that is not there, takes writes.

        access(2) asks the same questions as open(2): mode, owner, read-only mounts, and for a sysctl its namespace.
        """
        real = self._resolve(path)
        if os.path.lexists(real):
            return os.access(real, os.W_OK)
        while not os.path.lexists(real := os.path.dirname(real)):
            pass
        return os.access(real, os.W_OK | os.X_OK)

    def put(self, path: str, state: FileState) -> None:
        """Replace a whole file; raises OSError."""
        self._disk.replace(self._resolve(path, last=False), state)

    def remove(self, path: str) -> None:
        """Remove a file; raises OSError."""
        self._disk.remove(self._resolve(path, last=False))

    def clean(self, path: str) -> None:
        """Remove what a crash has left of a `put` of this path; raises OSError."""
        self._disk.discard(temporary_of(self._resolve(path, last=False)))

    def make_directory(self, path: str) -> None:
        """Make one directory; raises OSError."""
        self._disk.make_directory(self._resolve(path, last=False))

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory; raises OSError."""
        self._disk.remove_directory(self._resolve(path, last=False))

    def write(self, path: str, text: str) -> None:
        """Write into an existing file in place, in one call; raises OSError, always so in an image."""
        if not self.runs:
            raise OSError(errno.ENODEV, f"{self.root} is an image, nothing runs there")
        self._disk.write_in_place(self._resolve(path), text)

    def act(self, name: str, **args: Any) -> None:
        """Change something of the running kernel or of systemd that is no file; raises OSError."""
        if not self.runs:
            raise OSError(errno.ENODEV, f"{self.root} is an image, nothing runs there")
        self._disk.step(name, str(args), lambda: registry.load("hosttune.host.acts", name).run(**args))

    @contextlib.contextmanager
    def lock(self, path: str, wait: float, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold an exclusive lock (flock(2)), which the kernel lets go of however the process ends."""
        # not through a link: in an image it could name any file to be made
        fd = os.open(self._resolve(path, last=False), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            start = time.monotonic()
            while not _locks(fd):
                holder = f"process {os.pread(fd, 20, 0).decode('ascii', 'replace').strip() or '?'}"
                if time.monotonic() > start + wait:
                    raise HostError(Reason.UNREADABLE, f"{path} is held by {holder}")
                waiting(holder)
                time.sleep(0.05)
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(fd)

    def _matching(self, base: str, part: str) -> list[str]:
        if not any(c in part for c in "*?["):
            try:
                real = self._resolve(f"{base}/{part}", last=False)
            except HostError:
                return []
            return [part] if os.path.lexists(real) else []
        try:
            names = os.listdir(self._resolve(base or "/"))
        except (OSError, HostError):
            return []
        return [n for n in names if (n[0] != "." or part[0] == ".") and fnmatch.fnmatchcase(n, part)]

    def _resolve(self, path: str, last: bool = True) -> str:
        """Return the path on this machine; absolute links and `..` stay below the root."""
        if "\0" in path:
            raise HostError(Reason.ABSENT, repr(path))
        if self.root == "/":
            return path
        if not self.runs and f"{path}/".startswith(_KERNEL):
            raise HostError(Reason.ABSENT, f"{path}: an image has no kernel")
        todo = [p for p in path.split("/") if p][::-1]
        done: list[str] = []
        links = 0
        while todo:
            part = todo.pop()
            if part == ".":
                continue
            if part == "..":
                del done[-1:]
                continue
            here = os.path.join(self.root, *done, part)
            if (todo or last) and os.path.islink(here):
                links += 1
                if links > _LINKS:
                    raise HostError(Reason.UNREADABLE, f"{path}: too many symbolic links")
                target = os.readlink(here)
                if target.startswith("/"):
                    done = []
                todo.extend([p for p in target.split("/") if p][::-1])
                continue
            done.append(part)
        return os.path.join(self.root, *done)


def _locks(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_all(fd: int, path: str) -> str:
    mode = os.fstat(fd)
    if stat.S_ISDIR(mode.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a directory")
    null = stat.S_ISCHR(mode.st_mode) and mode.st_rdev == os.makedev(1, 3)
    if not (stat.S_ISREG(mode.st_mode) or null):
        raise HostError(Reason.UNREADABLE, f"{path} is not a regular file")
    chunks: list[bytes] = []
    size = 0
    # /proc makes its text at each read: a large buffer gets a small file in one consistent piece
    while chunk := os.read(fd, 1 << 18):
        size += len(chunk)
        if size > LARGEST:
            raise HostError(Reason.UNREADABLE, f"{path} is larger than {LARGEST >> 20} MiB")
        chunks.append(chunk)
    return b"".join(chunks).decode("utf-8", "surrogateescape")


def _host_error(error: OSError, path: str) -> HostError:
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ESRCH):
        return HostError(Reason.ABSENT, path)
    return HostError(Reason.UNREADABLE, f"{path}: {os.strerror(error.errno or 0)}")
