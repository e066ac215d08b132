"""A program that binds first has half of the range: connect() of another one, to another backend, finds the rest."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "ports-held"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/ip_local_port_range", "20000 20199")
    servers = [made.listener(("127.0.0.1", port)) for port in (1883, 1884)]
    clients: list[socket.socket] = []
    try:
        assert made.dial(clients, ("127.0.0.1", 1884), 100, made.from_address("127.0.0.2")) == ""
        assert made.dial(clients, ("127.0.0.1", 1883), 200) == "EADDRNOTAVAIL"
        assert len(clients) == 200, len(clients)
        yield []
    finally:
        made.close(clients, *servers)
