"""Counters of all lanes in a file that every process maps, and the orders to them."""

from __future__ import annotations

import mmap
from enum import IntEnum
from pathlib import Path


class Cell(IntEnum):
    """A row of a lane, as peers.c has it: devices wanted, connected, refused, lost after that, answers to PINGREQ."""

    WANTED = 0
    OPEN = 1
    REFUSED = 2
    LOST = 3
    ANSWERED = 4
    ERRNO = 5
    FLYING = 6
    READY = 7


_HALT, _PING = 0, 1  # cells of the first row, which is for all


class Board:
    """The rows of the lanes from 0; `path` is made anew."""

    def __init__(self, path: Path, lanes: int) -> None:
        self.path, self.lanes = path, lanes
        path.write_bytes(bytes(8 * len(Cell) * (lanes + 1)))
        with path.open("r+b") as file:
            self._cells = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")

    def get(self, lane: int, cell: Cell) -> int:
        return self._cells[(1 + lane) * len(Cell) + cell]

    def total(self, cell: Cell) -> int:
        return sum(self.get(lane, cell) for lane in range(self.lanes))

    def want(self, lane: int, devices: int) -> None:
        self._cells[(1 + lane) * len(Cell) + Cell.WANTED] = devices

    def halt(self) -> None:
        """Let no lane begin another device."""
        self._cells[_HALT] = 1

    def ping(self) -> None:
        """Let every device that is connected say PINGREQ once."""
        self._cells[_PING] += 1
