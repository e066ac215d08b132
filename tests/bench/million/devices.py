"""One process of MQTT devices: each connects, says CONNECT, has its CONNACK and stays; later it may be pinged."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
from collections import deque
from collections.abc import Iterator, Sequence

from tests.bench.million.worker import CONTROL, Board, Cell

CONNACK, PINGREQ, PINGRESP = b"\x20\x02\x00\x00", b"\xc0\x00", b"\xd0\x00"
AT_ONCE = struct.pack("ii", 1, 0)  # linger for no time: close() sends RST, and no TIME_WAIT is left
_CONNECTING, _SAID, _CONNECTED, _PINGED = 1, 2, 3, 4
_EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET


def hello(device: str) -> bytes:
    """Return CONNECT of MQTT 3.1.1, section 3.1: a clean session that never has to say it is alive."""
    name = device.encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2, "big") + name
    return bytes([0x10, len(body)]) + body


class Devices:
    """The devices of one process; `targets` are addresses of balancers and how many devices each takes, in order.

    Never more than `window` are on their way at once, so that no queue of packets on the host runs over.
    """

    def __init__(self, board: Board, worker: int, targets: Sequence[tuple[str, int, int]], window: int) -> None:
        self._board, self._worker, self._window = board, worker, window
        self._addresses = self._spread(targets)
        self._epoll = select.epoll()
        self._epoll.register(CONTROL, select.EPOLLIN)
        self._state: dict[int, int] = {}
        self._flying, self._wanted, self._begun = 0, 0, 0
        self._to_ping: deque[int] = deque()
        self._busy = False

    @staticmethod
    def _spread(targets: Sequence[tuple[str, int, int]]) -> Iterator[tuple[str, int]]:
        for address, port, count in targets:
            for _ in range(count):
                yield address, port

    def run(self) -> None:
        """Take orders until the parent is gone."""
        while True:
            self._launch()
            for descriptor, event in self._epoll.poll():
                if descriptor != CONTROL:
                    self._happened(descriptor, event)
                elif not self._ordered():
                    return

    def _ordered(self) -> bool:
        lines = os.read(CONTROL, 4096).decode().split("\n")
        for verb, _, number in (line.partition(" ") for line in lines if line):
            self._busy = True
            self._board.put(self._worker, Cell.DONE, 0)
            if verb == "open":
                self._wanted += int(number)
            elif verb == "ping":
                self._to_ping.extend(fd for fd, state in self._state.items() if state == _CONNECTED)
        return bool(lines != [""])

    def _launch(self) -> None:
        while self._flying < self._window and self._begun < self._wanted and not self._board.halted:
            self._begin()
        while self._flying < self._window and self._to_ping:
            descriptor = self._to_ping.popleft()
            if self._state.get(descriptor) == _CONNECTED:
                self._state[descriptor] = _PINGED
                self._flying += 1
                self._say(descriptor, PINGREQ)
        if self._busy and not self._flying and (self._begun >= self._wanted or self._board.halted):
            self._busy = False
            self._board.put(self._worker, Cell.DONE, 1)

    def _begin(self) -> None:
        self._begun += 1
        try:
            device = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            self._refused(error.errno or 0)
            return
        device.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        number = device.connect_ex(next(self._addresses))
        if number not in (0, errno.EINPROGRESS):
            device.close()
            self._refused(number)
            return
        descriptor = device.detach()
        self._state[descriptor] = _CONNECTING
        self._flying += 1
        try:
            self._epoll.register(descriptor, _EVENTS)
        except OSError as error:
            self._over(descriptor, error.errno or 0)

    def _happened(self, descriptor: int, event: int) -> None:
        state = self._state.get(descriptor)
        if state == _CONNECTING and event & (select.EPOLLOUT | select.EPOLLERR):
            self._state[descriptor] = _SAID
            self._say(descriptor, hello(f"d{self._worker}-{descriptor}"))
        if event & (select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLHUP) and descriptor in self._state:
            self._heard(descriptor)

    def _say(self, descriptor: int, packet: bytes) -> None:
        try:
            os.write(descriptor, packet)
        except OSError as error:
            self._over(descriptor, error.errno or 0)

    def _heard(self, descriptor: int) -> None:
        try:
            packet = os.read(descriptor, 64)
        except BlockingIOError:
            return
        except OSError as error:
            self._over(descriptor, error.errno or 0)
            return
        state = self._state[descriptor]
        if state == _SAID and packet == CONNACK:
            self._board.add(self._worker, Cell.OPEN)
        elif state == _PINGED and packet == PINGRESP:
            self._board.add(self._worker, Cell.ANSWERED)
        else:
            self._over(descriptor, errno.EPROTO if packet else errno.ECONNRESET)
            return
        self._state[descriptor] = _CONNECTED
        self._flying -= 1

    def _refused(self, number: int) -> None:
        self._board.add(self._worker, Cell.REFUSED)
        self._board.put(self._worker, Cell.ERRNO, number)

    def _over(self, descriptor: int, number: int) -> None:
        """Take a device out that was refused, or lost after it had been connected."""
        state = self._state.pop(descriptor)
        os.close(descriptor)
        if state != _CONNECTED:
            self._flying -= 1
        if state in (_CONNECTED, _PINGED):
            self._board.add(self._worker, Cell.OPEN, -1)
            self._board.add(self._worker, Cell.LOST)
            self._board.put(self._worker, Cell.ERRNO, number)
        else:
            self._refused(number)
