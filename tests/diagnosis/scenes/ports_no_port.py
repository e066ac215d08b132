"""A client binds its address with IP_BIND_ADDRESS_NO_PORT: each destination has a pool, and one is full."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "ports"
WHERE = "netns"
_NO_PORT = 24  # IP_BIND_ADDRESS_NO_PORT, linux/in.h


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/ip_local_port_range", "20000 20199")
    servers = [made.listener(("127.0.0.1", port)) for port in (1883, 1884)]
    clients: list[socket.socket] = []
    late = made.from_address("127.0.0.2", _NO_PORT)
    try:
        assert made.dial(clients, ("127.0.0.1", 1884), 60, late) == ""
        assert made.dial(clients, ("127.0.0.1", 1883), 300, late) == "EADDRNOTAVAIL"
        assert len(clients) == 260, len(clients)
        yield []
    finally:
        made.close(clients, *servers)
