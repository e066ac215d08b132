"""Programs that do not read hold the pages that tcp_mem allows: what is sent to them is dropped."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = "tcp-mem"
WHERE = "guest"
_ADDRESS = ("127.0.0.1", 1886)


def _send(clients: list[socket.socket]) -> None:
    """Send to a program that does not read."""
    for client in clients:
        with contextlib.suppress(BlockingIOError):
            client.send(bytes(1400))


@contextmanager
def scene() -> Iterator[list[str]]:
    server, clients = made.listener(_ADDRESS), list[socket.socket]()
    try:
        with limited.sysctls({"net/ipv4/tcp_mem": "100 200 300"}):
            assert not made.dial(clients, _ADDRESS, 400)
            for client in clients:
                client.setblocking(False)
            _send(clients)
            made.until(lambda: limited.pages() > 300, "TCP took no pages")
            with made.meanwhile(lambda: _send(clients)):
                yield []
    finally:
        made.close(clients, server)
