"""Processes forked from one small parent, so that they share its memory; what they count lies in memory shared by all."""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import resource
import signal
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path

CONTROL = 3
"""The descriptor on which a worker reads what to do, a line each."""

_NEW_NET = 0x40000000  # CLONE_NEWNET, linux/sched.h
_LIBC = ctypes.CDLL(None, use_errno=True)


class Cell(IntEnum):
    """What one worker counts: devices that are connected, refused and lost, answers to PINGREQ, the last errno."""

    OPEN = 0
    REFUSED = 1
    LOST = 2
    ANSWERED = 3
    ERRNO = 4
    DONE = 5


class Board:
    """Counters of all workers in shared memory, and a flag that stops every ramp."""

    def __init__(self, workers: int) -> None:
        self._cells = memoryview(mmap.mmap(-1, 8 * (len(Cell) * workers + 1))).cast("q")
        self._workers = workers

    def get(self, worker: int, cell: Cell) -> int:
        return self._cells[1 + worker * len(Cell) + cell]

    def put(self, worker: int, cell: Cell, value: int) -> None:
        self._cells[1 + worker * len(Cell) + cell] = value

    def add(self, worker: int, cell: Cell, value: int = 1) -> None:
        self._cells[1 + worker * len(Cell) + cell] += value

    def total(self, cell: Cell) -> int:
        return sum(self.get(worker, cell) for worker in range(self._workers))

    @property
    def halted(self) -> bool:
        return self._cells[0] != 0

    def halt(self) -> None:
        self._cells[0] = 1


class Worker:
    """A forked process that runs a function in a network namespace and takes orders by a pipe."""

    def __init__(self, namespace: Path, nofile: int, body: Callable[[], None]) -> None:
        order_out, self._orders = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            code = 1
            try:
                _become(namespace, nofile, order_out)
                body()
                code = 0
            except (KeyboardInterrupt, OSError) as error:
                os.write(2, f"{body}: {error}\n".encode())
            finally:
                os._exit(code)
        os.close(order_out)

    def order(self, text: str) -> None:
        os.write(self._orders, f"{text}\n".encode())


def frozen() -> None:
    """Make what exists now as cheap as can be to share: the collector never writes to it again."""
    gc.collect()
    gc.disable()
    gc.freeze()


def enter(namespace: Path) -> None:
    """Put this process into a named network namespace, setns(2)."""
    descriptor = os.open(namespace, os.O_RDONLY)
    try:
        if _LIBC.setns(descriptor, _NEW_NET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(namespace))
    finally:
        os.close(descriptor)


def start(namespace: Path, nofile: int, log: Path, *command: str) -> int:
    """Start a program in a network namespace; return its process. What it prints goes to the log."""
    pid = os.fork()
    if pid:
        return pid
    try:
        printed = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        _become(namespace, nofile, None)
        os.execv(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error}\n".encode())
    finally:
        os._exit(127)


def _become(namespace: Path, nofile: int, orders: int | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL)
    # should memory run out after all, then one of these goes, and nothing else of the machine
    Path("/proc/self/oom_score_adj").write_text("1000")
    enter(namespace)
    if orders is not None:
        os.dup2(orders, CONTROL)
    os.closerange(CONTROL + (orders is not None), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    resource.setrlimit(resource.RLIMIT_NOFILE, (nofile, nofile))
