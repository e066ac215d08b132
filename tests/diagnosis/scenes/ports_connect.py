"""A client without a source address of its own fills the one pool that it has; the program sees EADDRNOTAVAIL."""

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
        errno = made.dial(clients, ("127.0.0.1", 1883), 200)
        assert errno == "EADDRNOTAVAIL" and len(clients) == 100, (errno, len(clients))
        yield made.Stall(gone=lambda: made.went(not made.dial(clients, ("127.0.0.1", 1883), 60)))
    finally:
        made.close(*clients, server)
