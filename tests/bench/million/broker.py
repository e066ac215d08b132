"""One process of an MQTT broker that keeps connections and nothing else: CONNACK to CONNECT, PINGRESP to PINGREQ."""

from __future__ import annotations

import contextlib
import os
import select
import socket

from tests.bench.million.devices import AT_ONCE, CONNACK, PINGRESP
from tests.bench.million.worker import CONTROL, Board, Cell

BACKLOG = 4096
_ANSWERS = {0x10: CONNACK, 0xC0: PINGRESP}  # by the first byte of a packet, MQTT 3.1.1 section 2.2


class Broker:
    """Whoever connects is a client; a packet that is neither of the two ends its connection."""

    def __init__(self, board: Board, worker: int, address: str, port: int) -> None:
        self._board, self._worker = board, worker
        self._epoll = select.epoll()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # an accepted socket takes it over
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self._listener.setblocking(False)
        self._listener.bind((address, port))
        self._listener.listen(BACKLOG)
        for descriptor in (self._listener.fileno(), CONTROL):
            self._epoll.register(descriptor, select.EPOLLIN)
        board.put(worker, Cell.DONE, 1)

    def run(self) -> None:
        """Serve until the parent is gone."""
        while True:
            for descriptor, _ in self._epoll.poll():
                if descriptor == self._listener.fileno():
                    self._accept()
                elif descriptor != CONTROL:
                    self._serve(descriptor)
                elif not os.read(CONTROL, 4096):
                    return

    def _accept(self) -> None:
        try:
            descriptor = self._listener.accept()[0].detach()
            self._epoll.register(descriptor, select.EPOLLIN | select.EPOLLRDHUP)
            self._board.add(self._worker, Cell.OPEN)
        except BlockingIOError:
            return
        except OSError as error:
            self._board.add(self._worker, Cell.REFUSED)
            self._board.put(self._worker, Cell.ERRNO, error.errno or 0)

    def _serve(self, descriptor: int) -> None:
        packet = b""
        with contextlib.suppress(OSError):
            packet = os.read(descriptor, 256)
        answer = _ANSWERS.get(packet[0]) if packet else None
        try:
            if answer:
                os.write(descriptor, answer)
        except OSError:
            answer = None
        if not answer:
            os.close(descriptor)
            self._board.add(self._worker, Cell.OPEN, -1)
