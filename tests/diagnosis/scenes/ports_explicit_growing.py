"""A client that chooses its ports itself has come so far, and has more: that its ports lie side by side is no end."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = ""
DECOY_OF = "ports"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/ip_local_port_range", "20000 21999")
    server = made.listener(("127.0.0.1", 1883))
    clients: list[socket.socket] = []
    try:
        made.dial(clients, ("127.0.0.1", 1883), 100, made.from_address("127.0.0.2", port=20500))
        assert len(clients) == 100
        yield []
    finally:
        made.close(clients, server)
