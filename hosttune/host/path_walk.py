"""Walk a path that an option names, on directory descriptors: each component is looked at once, and judged."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from hosttune.host import owners
from hosttune.host.components import Components
from hosttune.host.owners import Doubt

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: a name in an open directory, which is no link, and need not be there.

    `path` is the same without links. `doubts` are the directories and links on the way that others can replace.
    `strangers` are links, the last one too, of users who are not to be trusted, wherever they lie. `inherited` is the
    number of an open descriptor of this process where the path names one (/dev/stdin, /dev/fd/63), else None.
    """

    directory: int
    name: str
    path: str
    doubts: tuple[Doubt, ...] = ()
    strangers: tuple[Doubt, ...] = ()
    inherited: int | None = None


@contextlib.contextmanager
def reached(path: str) -> Iterator[Place]:
    """Walk a path, and give the place that it leads to, its directory open; raises OSError."""
    if not path or "\0" in path:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    with ExitStack() as opened:
        yield _Walk(opened).to(path)


def doubts_about(directory: str) -> tuple[Doubt, ...]:
    """Return what lets others than root make or exchange files in a directory; () where it is not there.

    Only root's reading is judged, as `named_file` has it.
    """
    if os.geteuid() != 0:
        return ()
    try:
        with reached(f"{directory}/.any") as place:
            return place.doubts
    except (FileNotFoundError, NotADirectoryError):
        return ()


class _Walk:
    def __init__(self, opened: ExitStack) -> None:
        self._opened = opened
        self._at: list[tuple[str, int]] = []  # the directories from the top on: name, descriptor
        self._top, self._above = self._held(os.open("/", _DIRECTORY)), "/"
        self._doubts: dict[str, Doubt] = {}
        self._strangers: list[Doubt] = []
        self._good = owners.trusted()

    def to(self, path: str) -> Place:
        self._judge(self._top)
        todo = Components(self._from_start(path))
        for name, last in todo:
            if name == "..":
                self._up()
            elif (target := self._link(name)) is None:
                if last and not todo.directory:
                    return self._place(name, None)
                self._enter(name)
            elif last and (own := self._own_descriptor(name)) is not None:
                return self._place(name, own)
            else:
                self._refuse_magic()
                if todo.follow(target):
                    self._at.clear()
                    self._top, self._above = self._held(os.open("/", _DIRECTORY)), "/"
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))

    def _from_start(self, path: str) -> str:
        """Return what is to be walked of a path: of a relative one of root's, what leads to it is judged too."""
        if path.startswith("/"):
            return path
        if os.geteuid() == 0:
            return f"{os.getcwd()}/{path}"
        # what lies above it need not be theirs to pass, and nobody but root is judged for
        self._top, self._above = self._held(os.open(".", _DIRECTORY)), os.getcwd()
        return path

    def _held(self, fd: int) -> int:
        self._opened.callback(os.close, fd)
        return fd

    def _current(self) -> int:
        return self._at[-1][1] if self._at else self._top

    def _names(self) -> list[str]:
        return [name for name in self._text().split("/") if name]

    def _text(self, *more: str) -> str:
        return os.path.join(self._above, *(name for name, _ in self._at), *more)

    def _up(self) -> None:
        if self._at:
            self._at.pop()
        else:
            self._top = self._held(os.open("..", _DIRECTORY, dir_fd=self._top))
            self._above = os.path.dirname(self._above)

    def _link(self, name: str) -> str | None:
        """Return where a name leads, None where it is no link, or is not there."""
        try:
            fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._current())
        except FileNotFoundError:
            return None
        try:
            status = os.fstat(fd)
            if not stat.S_ISLNK(status.st_mode):
                return None
            if status.st_uid not in self._good:
                doubt = Doubt(self._text(name), status.st_uid, status.st_mode, True)
                self._strangers.append(doubt)
                if owners.shared(self._current()):
                    self._doubts.setdefault(doubt.path, doubt)
            return os.readlink("", dir_fd=fd)
        finally:
            os.close(fd)

    def _own_descriptor(self, name: str) -> int | None:
        at = self._names()
        mine = at in (["proc", str(os.getpid()), "fd"], ["proc", "self", "fd"])
        return int(name) if mine and name.isdecimal() and len(name) < 10 else None

    def _refuse_magic(self) -> None:
        """Raise OSError where a link is no text but what a process has open (proc_pid_fd(5), proc_pid_root(5))."""
        at = self._names()
        if at[:1] == ["proc"] and len(at) > 1 and (at[1].isdecimal() or at[1] == "self"):
            why = "it leads through another process, where owners are unknown; give the file itself"
            raise OSError(errno.ELOOP, why)

    def _enter(self, name: str) -> None:
        fd = self._held(os.open(name, _DIRECTORY, dir_fd=self._current()))
        self._at.append((name, fd))
        self._judge(fd)

    def _judge(self, fd: int) -> None:
        path = self._text()
        doubt = owners.doubt(fd, path, sticky=True)
        if doubt:
            self._doubts.setdefault(path, doubt)

    def _place(self, name: str, inherited: int | None) -> Place:
        # where the way went up again with `..`, what it passed counts all the same: somebody could have turned it
        doubts = () if inherited is not None else tuple(self._doubts.values())
        return Place(self._current(), name, self._text(name), doubts, tuple(self._strangers), inherited)
