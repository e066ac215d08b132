"""A program has bound half of the range on another address, without a connection: connect() skips each of its ports."""

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
    server = made.listener(("127.0.0.1", 1883))
    clients: list[socket.socket] = []
    bound = [socket.socket() for _ in range(100)]
    try:
        for number, one in enumerate(bound):
            one.bind(("127.0.0.9", 20000 + number))
        assert made.dial(clients, ("127.0.0.1", 1883), 200) == "EADDRNOTAVAIL"
        assert len(clients) == 100, len(clients)
        yield []
    finally:
        made.close(clients, server, bound)
