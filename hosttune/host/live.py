"""A machine that answers now: the running one, or a tree below a root directory (an image, a chroot)."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterator
from typing import Any

from hosttune import registry
from hosttune.errors import HostError, UsageError
from hosttune.host import file_lock, mounted, named_file, owners, path_walk
from hosttune.host.disk import Disk, refusal, state_of, temporary_of
from hosttune.host.named_file import Given
from hosttune.host.reading import OPENING, host_error, of_thread, read_bounded
from hosttune.host.remembered import MOST_NAMES, Remembered, is_kept, lives, too_many
from hosttune.host.tree import Entry, Tree, stat_of
from hosttune.model import FileState, Reason

LARGEST = 8 << 20
"""Bytes: no configuration or /proc file that we read comes near; a larger one is refused, not swallowed."""

_SEEN = re.compile("(/proc/[1-9][0-9]{0,9}/root)(/.*)")
"""The root of a process, and a path below it."""


class LiveHost:
    """The files below `root`, and the kernel's answers where it `runs`: where `root` is "/".

    An image has no kernel: what is mounted at its /proc and /sys is that of the machine it lies on, and is not seen.
    In a container the files of "/" may be mounted elsewhere (`mounted`).
    """

    def __init__(self, root: str = "/", disk: Disk | None = None) -> None:
        self._disk = disk or Disk()
        self._seen: Remembered | None = None
        if not root:
            raise UsageError("--root: it is empty; name the top of an image or chroot, or leave it out")
        try:
            self._below = mounted.top() if root == "/" else ""
            self._tree = mounted.Mounted(self._below) if self._below else Tree("" if root == "/" else root, root != "/")
            self.root = _name(root)
            with self._tree.opened("/", os.O_RDONLY | os.O_DIRECTORY) as top:
                readable = os.access(".", os.R_OK | os.X_OK, dir_fd=top)
        except PermissionError:
            readable = False
        except (FileNotFoundError, NotADirectoryError, ValueError) as error:
            raise UsageError(f"--root {root}: not a directory; name the top of an image or chroot") from error
        except OSError as error:
            why = error.strerror or os.strerror(error.errno or 0)
            raise UsageError(f"--root {root}: {why}; name the top of an image or chroot") from error
        if not readable:
            raise UsageError(f"--root {root}: cannot be read; run as a user who may, or as root")

    @property
    def runs(self) -> bool:
        """Say whether a kernel answers for it."""
        return not self._tree.image

    @runs.setter
    def runs(self, value: bool) -> None:
        self._tree.image = not value

    @contextlib.contextmanager
    def remembering(self) -> Iterator[None]:
        """Read each file and list each directory once meanwhile; what is written, or a lock got, makes all forgotten.

        Files of /proc, /sys and /var are read anew each time. Within another such time it is one time.
        """
        outer = self._seen
        self._seen = outer or Remembered()
        try:
            yield
        finally:
            if outer is None:
                self._seen = None

    @property
    def still(self) -> object | None:
        """Return what stands for the time in which its files do not change, None where they may."""
        return self._seen

    def read(self, path: str) -> str:
        """Return a file's whole text; raises HostError. Devices other than /dev/null, pipes and sockets are refused."""
        if self._seen is None or not is_kept(path):
            return self._read(path)
        return self._seen.text(path, lambda: self._read(path))

    def glob(self, pattern: str) -> list[str]:
        """Return the sorted paths that match, dangling links included; unreadable directories match nothing."""
        # which keys there are is asked for once; which processes, each time
        if self._seen is None or not (is_kept(pattern) or pattern.startswith("/proc/sys/")):
            return self._glob(pattern)
        if pattern not in self._seen.globs:
            self._seen.globs[pattern] = self._glob(pattern)
        return list(self._seen.globs[pattern])

    def probe(self, name: str, **args: Any) -> Any:
        """Ask the running kernel; raises HostError, always so below another root."""
        if self.root != "/" or not self.runs:
            raise HostError(Reason.UNDECIDED, f"{self.root} is an image, no kernel answers for it")
        try:
            return registry.load("hosttune.host.probes", name).run(**args)
        except OSError as error:
            # none of these is a bug: a process ends, a file of /proc is hidden
            raise HostError(Reason.UNREADABLE, f"{name}: {os.strerror(error.errno or 0)}") from error

    def state(self, path: str) -> FileState | None:
        """Return a file as it can be put back, None where there is none; raises HostError for a link or a device."""
        try:
            with self._tree.entry(path) as at:
                return state_of(at, LARGEST)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise host_error(error, path) from error

    def link(self, path: str) -> str:
        """Return where a symbolic link points, as it is written; "" for anything else (readlink(2))."""
        if self._seen is None or not is_kept(path):
            return self._link(path)
        if path not in self._seen.links:
            self._seen.links[path] = self._link(path)
        return self._seen.links[path]

    def unwritable(self, path: str) -> str:
        """Return why an existing file, or the nearest existing directory above one that is not there, takes no writes.

        "" where it takes them. access(2) asks the same questions as open(2): mode, owner, read-only mounts, and for a
        sysctl its namespace.
        """
        while path.strip("/"):
            try:
                return self._unwritable(path)
            except (FileNotFoundError, NotADirectoryError):
                path = path.rstrip("/").rpartition("/")[0]
            except OSError as error:
                return (error.strerror or str(error)).lower()
        with self._tree.opened("/", os.O_PATH) as top:
            return refusal(top)

    def owner(self, path: str) -> tuple[int, int] | None:
        """Return the user id and the mode of a file or directory, links followed; None where it cannot be seen."""
        try:
            with self._tree.opened(path, os.O_PATH) as fd:
                status = os.fstat(fd)
        except OSError:
            return None
        return status.st_uid, stat.S_IMODE(status.st_mode)

    def given(self, path: str, limit: int) -> Given:
        """Return the file that an option names, and what lets others than root write it; raises OSError, HostError.

        Of an image, and of files that are mounted elsewhere, the file is judged, and what leads to their top, not what
        lies between: its owner is who made it.
        """
        top = self._below or self.root
        if top == "/":
            return named_file.read(path, limit)
        with self._tree.opened(path, OPENING) as fd:
            own = owners.doubt(fd, os.path.join(top, path.lstrip("/"))) if os.geteuid() == 0 else None
            above = path_walk.doubts_about(top)
            return Given(read_bounded(fd, limit, path), (*([own] if own else []), *above))

    def put(self, path: str, state: FileState) -> None:
        """Replace a whole file; raises OSError."""
        with self._changing(path) as at:
            self._disk.replace(at, state)

    def remove(self, path: str) -> None:
        """Remove a file; raises OSError."""
        with self._changing(path) as at:
            self._disk.remove(at)

    def clean(self, path: str) -> None:
        """Remove what a crash has left of a `put` of this path; raises OSError."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), self._changing(path) as at:
            self._disk.discard(temporary_of(at))

    def make_directory(self, path: str) -> None:
        """Make one directory; raises OSError."""
        with self._changing(path) as at:
            self._disk.make_directory(at)

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory; raises OSError."""
        with self._changing(path) as at:
            self._disk.remove_directory(at)

    def write(self, path: str, text: str) -> None:
        """Write into an existing file in place, in one call; raises OSError, always so in an image."""
        if not self.runs:
            raise OSError(errno.ENODEV, f"{self.root} is an image, nothing runs there")
        self._forget()
        self._disk.write_in_place(path, text, lambda: self._tree.open(path, os.O_WRONLY | os.O_TRUNC))

    def act(self, name: str, **args: Any) -> None:
        """Change something of the running kernel or of systemd that is no file; raises OSError."""
        if not self.runs:
            raise OSError(errno.ENODEV, f"{self.root} is an image, nothing runs there")
        self._forget()
        self._disk.step(name, str(args), lambda: registry.load("hosttune.host.acts", name).run(**args))

    @contextlib.contextmanager
    def lock(self, path: str, wait: float, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold an exclusive lock (flock(2)), which the kernel lets go of however the process ends."""
        with file_lock.locked(lambda: self._tree.entry(path), wait, waiting):
            self._forget()  # whoever held it may have changed what was seen before
            yield

    @contextlib.contextmanager
    def _changing(self, path: str) -> Iterator[Entry]:
        """Give a name whose directory is open for reading, so that it can be synced; what was seen is forgotten."""
        self._forget()
        try:
            with self._tree.entry(path, os.O_RDONLY) as at:
                yield at
        finally:
            self._forget()

    def _forget(self) -> None:
        if self._seen is not None:
            self._seen = Remembered()

    def _read(self, path: str) -> str:
        if self._below and mounted.is_groups(path):
            return mounted.groups(self._text(path), self._text("/proc/1/cgroup"))
        return self._text(path)

    def _text(self, path: str) -> str:
        try:
            with self._opened(path, OPENING) as fd:
                return read_bounded(fd, LARGEST, path).decode("utf-8", "surrogateescape")
        except OSError as error:
            if error.errno == errno.ENXIO:  # a socket
                raise HostError(Reason.UNREADABLE, f"{path} is not a regular file") from error
            raise host_error(error, path) from error

    @contextlib.contextmanager
    def _opened(self, path: str, flags: int) -> Iterator[int]:
        """Open what is looked at; what a process sees is walked from its root, where its links lead (chroot(2))."""
        of_process = _SEEN.fullmatch(path) if self.root == "/" else None
        tree = Tree(of_process[1], image=True) if of_process else self._tree
        with tree.opened(of_process[2] if of_process else self._own_path(path), flags) as fd:
            yield fd

    def _own_path(self, path: str) -> str:
        if self._below:
            path = mounted.of_first(path)
        return of_thread(path) if self.root == "/" else path

    def _link(self, path: str) -> str:
        try:
            with self._tree.entry(self._own_path(path)) as at:
                return os.readlink(at.name, dir_fd=at.directory)
        except OSError:
            return ""

    def _unwritable(self, path: str) -> str:
        with self._tree.opened(path, os.O_PATH) as fd:
            if stat.S_ISDIR(os.fstat(fd).st_mode):
                return refusal(fd)
        with self._tree.entry(path) as at:
            status = stat_of(at)
            if self._tree.image and (status is None or stat.S_ISLNK(status.st_mode)):
                # where a link of an image leads is not to be asked of the machine that it lies on
                return "a link"
            return refusal(at.directory, at.name)

    def _glob(self, pattern: str) -> list[str]:
        bases, literal = [""], ""
        for part in pattern.strip("/").split("/"):
            if not any(c in part for c in "*?["):
                literal += f"/{part}"
                continue
            bases = [f"{base}{literal}/{name}" for base in bases for name in self._matching(base + literal, part)]
            literal = ""
        return sorted(base + literal for base in bases if not literal or self._is_there(base + literal))

    def _is_there(self, path: str) -> bool:
        try:
            with self._opened(path, os.O_PATH | os.O_NOFOLLOW):
                return True
        except OSError:
            return False

    def _matching(self, base: str, part: str) -> list[str]:
        return [name for name in fnmatch.filter(self._names(base), part) if name[0] != "." or part[0] == "."]

    def _names(self, base: str) -> list[str]:
        """Return the names in a directory; raises RefusedError where a directory of files has too many."""
        seen = self._seen if is_kept(f"{base}/") or base.startswith("/proc/sys") else None
        if seen is not None and base in seen.names:
            return seen.names[base]
        names: list[str] = []
        try:
            with self._opened(base or "/", os.O_RDONLY | os.O_DIRECTORY) as fd, os.scandir(fd) as entries:
                for entry in entries:
                    if len(names) == MOST_NAMES and not lives(base):
                        raise too_many(base or "/")
                    names.append(entry.name)
        except OSError:
            pass
        if seen is not None:
            seen.names[base] = names
        return names


def _name(root: str) -> str:
    """Return the root's path without links, as far as that names the same directory: /proc/1/root does not."""
    try:
        real = os.path.realpath(root)
        return real if os.path.samestat(os.stat(real), os.stat(root)) else root
    except OSError:
        return root
