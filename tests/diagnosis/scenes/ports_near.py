"""A pool at 95 %: it will run out, but it has not."""

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
    made.sysctl("net/ipv4/ip_local_port_range", "20000 20199")
    server = made.listener(("127.0.0.1", 1883))
    clients: list[socket.socket] = []
    try:
        assert made.dial(clients, ("127.0.0.1", 1883), 190) == ""
        yield []
    finally:
        made.close(clients, server)
