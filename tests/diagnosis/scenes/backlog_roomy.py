"""A decoy: a short queue has room, while another program has no descriptor left and leaves its long one to fill."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made, server

CAUSE = "nofile"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    roomy = made.listener(("127.0.0.1", 1884), 10)
    clients: list[socket.socket] = []
    try:
        assert not made.dial(clients, ("127.0.0.1", 1884), 5)
        with server.accepting(descriptors=64) as (_, address):
            assert not made.dial(clients, address, 100)
            yield []
    finally:
        made.close(clients, roomy)
