"""A decoy: half of a queue is taken, and nobody is turned away."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = ""
DECOY_OF = "accept-queue"
WHERE = "netns"
_SERVER = ("127.0.0.1", 1883)


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/core/somaxconn", "16")
    server = made.listener(_SERVER)
    clients: list[socket.socket] = []
    try:
        assert not made.dial(clients, _SERVER, 8)
        yield []
    finally:
        made.close(clients, server)
