"""Decoy: a maxconn that is far away, and source ports that are full."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "ports"
WHERE = "netns"
NEEDS = ("haproxy",)


@contextmanager
def scene() -> Iterator[list[str]]:
    clients: list[socket.socket] = []
    made.sysctl("net/ipv4/ip_local_port_range", "40000 40099")
    with made.haproxy(1000, ["s1 127.0.0.1:9001"]) as path:
        try:
            made.dial(clients, made.PROXY, 130, _bound)
            yield ["--backends-from", str(path)]
        finally:
            made.close(clients)


def _bound(client: socket.socket, number: int) -> None:
    """Bind a client outside of the range, so that it takes no port of it."""
    client.bind(("127.0.0.2", 20_000 + number))
