"""A program passes 10 to listen() where somaxconn would allow 4,096; it does not accept, and clients come."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "backlog"
WHERE = "netns"
_SERVER = ("127.0.0.1", 1883)


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/core/somaxconn", "4096")
    server = made.listener(_SERVER, 10)
    clients: list[socket.socket] = []
    try:
        with made.meanwhile(lambda: made.begin(clients, _SERVER)):
            made.until(lambda: made.counter("TcpExt.ListenOverflows") > 5, "overflows")
            yield []
    finally:
        made.close(clients, server)
