"""A queue as long as somaxconn is full, nobody accepts, and clients go on to come."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "accept-queue"
WHERE = "netns"
_SERVER = ("127.0.0.1", 1883)


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/core/somaxconn", "16")
    server = made.listener(_SERVER)
    clients: list[socket.socket] = []
    try:
        with made.meanwhile(lambda: made.begin(clients, _SERVER)):
            made.until(lambda: made.counter("TcpExt.ListenOverflows") > 5, "overflows")
            # what a restart does: listen() asks again
            yield made.Stall(after=lambda _: server.listen(4096), gone=lambda: made.stays("TcpExt.ListenOverflows"))
    finally:
        made.close(clients, server)
