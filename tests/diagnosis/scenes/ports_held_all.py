"""Programs have bound the whole range before the client comes: it has not one connection, and connect() fails."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "ports-held"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/ip_local_port_range", "20000 20099")
    server = made.listener(("127.0.0.1", 1883))
    clients: list[socket.socket] = []
    bound = [socket.socket() for _ in range(100)]
    try:
        for number, one in enumerate(bound):
            one.bind(("127.0.0.9", 20000 + number))
        assert made.dial(clients, ("127.0.0.1", 1883), 1) == "EADDRNOTAVAIL"
        yield ["--backend", "127.0.0.1:1883"]
    finally:
        made.close(clients, server, bound)
