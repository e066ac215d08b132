"""Programs that do not read hold the pages that tcp_mem allows: what is sent to them is dropped."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = "tcp-mem"
WHERE = "guest"
_ADDRESS = ("127.0.0.1", 1886)


def _gone(clients: list[socket.socket]) -> str:
    limited.fill(clients, 16_384, 1)
    made.until(lambda: limited.pages() > 1000, "more pages than were allowed")
    return "gone"


@contextmanager
def scene() -> Iterator[list[str]]:
    server, clients = made.listener(_ADDRESS), list[socket.socket]()
    try:
        with limited.sysctls({"net/ipv4/tcp_mem": "300 600 900"}):
            assert not made.dial(clients, _ADDRESS, 400)
            limited.fill(clients, 8000, 1)
            made.until(lambda: limited.pages() > 700, "TCP took no pages")
            with made.meanwhile(lambda: limited.fill(clients, 1400, 1)):
                yield made.Stall(gone=lambda: _gone(clients))
    finally:
        made.close(clients, server)
