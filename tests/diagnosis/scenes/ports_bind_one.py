"""A client that binds before it connects has one backend: the full pool looks like any, the errno tells."""

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
    server = made.listener(("127.0.0.1", 1883))
    clients: list[socket.socket] = []
    try:
        assert made.dial(clients, ("127.0.0.1", 1883), 300, made.from_address("127.0.0.2")) == "EADDRINUSE"
        yield ["--errno", "EADDRINUSE", "--call", "bind"]
    finally:
        made.close(clients, server)
