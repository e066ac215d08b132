"""A server does not start because its port is taken: EADDRINUSE from bind(), and no client ran out of ports."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = ""
DECOY_OF = "ports-bind"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    server = made.listener(("127.0.0.1", 1883))
    clients: list[socket.socket] = []
    try:
        assert made.dial(clients, ("127.0.0.1", 1883), 30) == ""
        with socket.socket() as second:
            try:
                second.bind(("127.0.0.1", 1883))
            except OSError as error:
                assert error.errno == errno.EADDRINUSE
        yield ["--errno", "EADDRINUSE", "--call", "bind"]
    finally:
        made.close(clients, server)
