"""Two clients fill one pool together: one with IPv4 sockets, one with v4-mapped addresses on IPv6 sockets."""

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
        for _ in range(50):
            mapped = socket.socket(socket.AF_INET6)
            clients.append(mapped)
            mapped.connect(("::ffff:127.0.0.1", 1883))
        errno = made.dial(clients, ("127.0.0.1", 1883), 200)
        assert errno == "EADDRNOTAVAIL" and len(clients) == 100, (errno, len(clients))
        yield []
    finally:
        made.close(*clients, server)
