"""A machine that answers now: the running one, or a tree below a root directory (an image, a chroot)."""

from __future__ import annotations

import errno
import fnmatch
import os
import stat
from typing import Any

from hosttune import registry
from hosttune.errors import HostError, UsageError
from hosttune.model import Reason

LARGEST = 8 << 20
"""Bytes: no configuration or /proc file that we read comes near; a larger one is refused, not swallowed."""

_LINKS = 40  # as the kernel's own limit, path_resolution(7)


class LiveHost:
    """The files below `root`, and the kernel's answers where `root` is "/"."""

    def __init__(self, root: str = "/") -> None:
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
        return registry.load("hosttune.host.probes", name).run(**args)

    def write(self, path: str, text: str) -> None:
        """Refuse: nothing that this version does writes to the host."""
        raise HostError(Reason.READ_ONLY, path)

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
