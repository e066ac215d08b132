"""Bring devices lane after lane until something stops it, and look at what they take."""

from __future__ import annotations

import errno
import time
from dataclasses import dataclass

from hosttune.capacity.footprint import REACHABLE
from tests.bench.million.board import Cell
from tests.bench.million.stage import Stage, looked_at, memory, sockets

AT_ONCE = 8
"""Lanes that take devices at the same time: on two cores more only switch, and each brings WINDOW packets at once."""
_LOOK = 0.25
_SAY = 5.0
_SETTLE = 3.0  # seconds for the devices that are on their way


@dataclass(frozen=True, slots=True)
class Held:
    """What was there at one time; memory in bytes, `seconds` from the first order to the last device.

    `at_brokers` are connections that the brokers have, `sockets` TCP sockets in the namespaces of the devices, the
    balancers and the brokers. `taken` is what is no longer free, page cache or `looked_at`, `slab` the part of it that
    is the kernel's objects, `private` the balancers' own, `looked_at` what programs outside left by listing
    descriptors: all since the processes ran idle. `free` is MemAvailable less what sockets hold of it.
    """

    devices: int
    at_brokers: int
    new: int
    seconds: float
    sockets: tuple[int, int, int]
    taken: int
    slab: int
    private: int
    looked_at: int
    free: int
    stopped: str

    @property
    def application(self) -> int:
        """Bytes of the balancers for each device."""
        return self.private // max(self.devices, 1)


class Ramp:
    """Devices of a stage, `each` to a lane but the last.

    Stops itself where `floor` bytes of memory are left, or no device or answer came for `patience` seconds.
    """

    def __init__(self, stage: Stage, each: int, floor: int, patience: int) -> None:
        self._stage, self._each, self._floor, self._patience = stage, each, floor, patience
        self._private = stage.private()
        now, self._looked_at = memory(), looked_at()
        self._used, self._slab, self._open = used(now), now["Slab"], sum(self._sockets())

    def to(self, devices: int, say: bool = False) -> Held:
        """Return what is held when there are so many, or when something stopped it."""
        board, start = self._stage.board, time.monotonic()
        first = there = board.total(Cell.OPEN)
        progress, spoken, stopped = start, start, ""
        try:
            while not stopped:
                self._order(devices)
                time.sleep(_LOOK)
                now, before, there = time.monotonic(), there, board.total(Cell.OPEN)
                progress = now if there != before else progress
                stopped = self._why(there, devices, now - progress)
                if say and now - spoken >= _SAY:
                    print(self._line(there, (there - first) / (now - start)), flush=True)
                    spoken = now
        except KeyboardInterrupt:
            stopped = "it was interrupted"
        if there < devices:
            board.halt()
            time.sleep(_SETTLE)
        self._settle()
        return self._look(first, progress - start, stopped)

    def _settle(self) -> None:
        """Wait until the brokers have what the devices have: HAProxy opens a device's other half after the first."""
        end = time.monotonic() + _SETTLE
        while self._stage.ends.total(Cell.OPEN) < self._stage.board.total(Cell.OPEN) and time.monotonic() < end:
            time.sleep(0.05)

    def ping(self) -> tuple[int, float]:
        """Let every device say PINGREQ; return how many had their PINGRESP, and the seconds that it took."""
        board = self._stage.board
        board.ping()
        start, answered = time.monotonic(), 0
        progress = start
        while answered < board.total(Cell.OPEN) and time.monotonic() - progress < self._patience:
            time.sleep(_LOOK)
            before, answered = answered, board.total(Cell.ANSWERED)
            progress = time.monotonic() if answered != before else progress
        return answered, progress - start

    def _order(self, devices: int) -> None:
        board, last, active = self._stage.board, self._stage.lanes - 1, 0
        for lane in range(last + 1):
            left = devices - lane * self._each
            share = left if lane == last else min(left, self._each)
            if board.get(lane, Cell.OPEN) < share:
                board.want(lane, share)
                active += 1
            if active == AT_ONCE:
                return

    def _why(self, there: int, devices: int, idle: float) -> str:
        board, ends = self._stage.board, self._stage.ends
        for rows, whose in ((board, "a device"), (ends, "a connection of a broker")):
            for cell, what in ((Cell.REFUSED, "was refused"), (Cell.LOST, "was lost")):
                lane = next((lane for lane in range(rows.lanes) if rows.get(lane, cell)), None)
                if lane is not None:
                    number = rows.get(lane, Cell.ERRNO)
                    return f"{whose} of lane {lane} {what}: {errno.errorcode.get(number, '')} ({number})"
        if there >= devices:
            return "as many are there as were wanted"
        if self._free(memory()) < self._floor:
            return f"memory is down to the {self._floor >> 20:,} MiB that stay free"
        return f"no device more for {self._patience} s" if idle > self._patience else ""

    def _free(self, now: dict[str, int]) -> int:
        return now["MemAvailable"] - REACHABLE * (sum(self._sockets()) - self._open)

    def _sockets(self) -> tuple[int, int, int]:
        stage = self._stage
        return sockets(stage.clients), sockets("self"), sockets(stage.brokers)

    def _look(self, first: int, seconds: float, stopped: str) -> Held:
        now, there, seen = memory(), self._stage.board.total(Cell.OPEN), looked_at() - self._looked_at
        return Held(
            devices=there,
            at_brokers=self._stage.ends.total(Cell.OPEN),
            new=there - first,
            seconds=seconds,
            sockets=self._sockets(),
            taken=used(now) - self._used - seen,
            slab=now["Slab"] - self._slab - seen,
            private=self._stage.private() - self._private,
            looked_at=seen,
            free=self._free(now),
            stopped=stopped,
        )

    def _line(self, there: int, rate: float) -> str:
        now = memory()
        taken = (used(now) - self._used - looked_at() + self._looked_at) // max(there, 1)
        return f"{there:>9,} devices {rate:>7,.0f}/s {self._free(now) >> 20:>7,} MiB free {taken:>7,} bytes/device"


def used(now: dict[str, int]) -> int:
    """Return bytes that are neither free nor page cache; reclaimable slab is counted, for live sockets hold theirs."""
    return now["MemTotal"] - now["MemFree"] - now["Buffers"] - now["Cached"]
