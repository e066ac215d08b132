"""Data waits unread in many sockets, in more pages than tcp_mem's first mark and fewer than its second."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = ""
DECOY_OF = "tcp-mem"
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
        with limited.sysctls({"net/ipv4/tcp_mem": "100 2000 4000"}):
            assert not made.dial(clients, _ADDRESS, 400)
            for client in clients:
                client.setblocking(False)
            _send(clients)
            made.until(lambda: limited.pages() > 300, "TCP took no pages")
            assert limited.pages() < 2000
            yield []
    finally:
        made.close(clients, server)
