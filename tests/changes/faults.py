"""A disk that fails, or takes the process with it, at one of its steps."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from typing import TypeVar

from hosttune.host.disk import Disk

T = TypeVar("T")

ERRORS = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EINVAL)


class Counting(Disk):
    """Counts its steps and names them."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, what: str, path: str, call: Callable[[], T]) -> T:
        self.steps.append(f"{what} {path}")
        return self.fail(what, path, call)

    def fail(self, what: str, path: str, call: Callable[[], T]) -> T:
        return call()


class Killed(Counting):
    """Kills its process before step `at`, or after it."""

    def __init__(self, at: int, after: bool = False) -> None:
        super().__init__()
        self._at, self._after = at, after

    def fail(self, what: str, path: str, call: Callable[[], T]) -> T:
        here = len(self.steps) - 1 == self._at
        if here and not self._after:
            os.kill(os.getpid(), signal.SIGKILL)
        done = call()
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
        return done


class Failing(Counting):
    """Fails at step `at` with an errno, and, where `lasting`, at every later one too."""

    def __init__(self, at: int, number: int, lasting: bool = False) -> None:
        super().__init__()
        self._at, self._number, self._lasting = at, number, lasting

    def fail(self, what: str, path: str, call: Callable[[], T]) -> T:
        here = len(self.steps) - 1
        if here == self._at or (self._lasting and here > self._at):
            raise OSError(self._number, os.strerror(self._number), path)
        return call()


def killed(run: Callable[[], object]) -> bool:
    """Run in a child of its own; say whether it was killed. Its output is dropped."""
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        try:
            run()
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)
