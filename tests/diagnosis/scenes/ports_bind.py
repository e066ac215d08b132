"""A client binds its address before it connects, to two backends in turn: it has one pool, not two."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "ports-bind"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/ip_local_port_range", "20000 20199")
    servers = [made.listener(("127.0.0.1", port)) for port in (1883, 1884)]
    clients: list[socket.socket] = []
    early = made.from_address("127.0.0.2")
    try:
        errno = ""
        while not errno:
            errno = made.dial(clients, ("127.0.0.1", 1883 + len(clients) % 2), 1, early)
        assert errno == "EADDRINUSE" and len(clients) == 200, (errno, len(clients))
        yield made.Stall(gone=lambda: made.went(not made.dial(clients, ("127.0.0.1", 1883), 60, early)))
    finally:
        made.close(clients, *servers)
