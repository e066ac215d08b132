"""A decoy: a short queue is full to the last place, and nobody more comes to it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = ""
DECOY_OF = "backlog"
WHERE = "netns"
_SERVER = ("127.0.0.1", 1883)


@contextmanager
def scene() -> Iterator[list[str]]:
    server = made.listener(_SERVER, 10)
    clients: list[socket.socket] = []
    try:
        assert not made.dial(clients, _SERVER, 11)
        yield []
    finally:
        made.close(clients, server)
