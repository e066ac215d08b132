"""A decoy: a queue overflowed, and was emptied; the counters stand high, and nothing is turned away now."""

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
    accepted: list[socket.socket] = []
    try:
        made.begin(clients, _SERVER, 40)
        assert made.counter("TcpExt.ListenOverflows") >= 20
        made.close(clients[17:])
        accepted += [server.accept()[0] for _ in range(17)]
        yield []
    finally:
        made.close(clients, accepted, server)
