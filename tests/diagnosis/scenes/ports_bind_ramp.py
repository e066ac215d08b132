"""A client binds before it connects; it fills one backend first, and half of what it wants is left for the other."""

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
        assert made.dial(clients, ("127.0.0.1", 1883), 100, early) == ""
        assert made.dial(clients, ("127.0.0.1", 1884), 200, early) == "EADDRINUSE"
        assert len(clients) == 200, len(clients)
        yield []
    finally:
        made.close(clients, *servers)
