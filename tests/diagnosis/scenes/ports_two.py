"""A client fills the pools of both of its backends."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "ports"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/ip_local_port_range", "20000 20199")
    servers = [made.listener(("127.0.0.1", port)) for port in (1883, 1884)]
    clients: list[socket.socket] = []
    try:
        for port in (1883, 1884):
            assert made.dial(clients, ("127.0.0.1", port), 300) == "EADDRNOTAVAIL"
        assert len(clients) == 400, len(clients)
        yield []
    finally:
        made.close(clients, *servers)
