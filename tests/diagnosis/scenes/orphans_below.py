"""A program closes connections with data unsent, many of them, but tcp_max_orphans allows many more."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = ""
DECOY_OF = "orphans"
WHERE = "guest"
_ADDRESS = ("127.0.0.1", 1886)


def _leave(count: int) -> None:
    """Close connections whose peer has not taken what was sent."""
    for _ in range(count):
        with socket.create_connection(_ADDRESS) as client:
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    client.send(bytes(65_536))


def _server() -> socket.socket:
    server = made.listener(_ADDRESS)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return server


@contextmanager
def scene() -> Iterator[list[str]]:
    server = _server()
    try:
        with limited.sysctls({"net/ipv4/tcp_max_orphans": 4096}):
            _leave(60)
            made.until(lambda: limited.orphans() > 50, "no orphans")
            yield []
    finally:
        made.close(server)
