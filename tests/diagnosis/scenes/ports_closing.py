"""A client never closes what its server has closed: the pool is full of CLOSE_WAIT, and nothing is established."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "ports"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/ip_local_port_range", "20000 20099")
    server = made.listener(("127.0.0.1", 1883))
    clients: list[socket.socket] = []
    try:
        for _ in range(100):
            assert made.dial(clients, ("127.0.0.1", 1883), 1) == ""
            server.accept()[0].close()
        assert made.dial(clients, ("127.0.0.1", 1883), 1) == "EADDRNOTAVAIL"
        yield []
    finally:
        made.close(*clients, server)
