"""HAProxy whose servers have a maxconn each: what is beyond them waits in the queue of the backend."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "own-limit"
WHERE = "netns"
NEEDS = ("haproxy",)
_MOST = 80


@contextmanager
def scene() -> Iterator[list[str]]:
    clients: list[socket.socket] = []
    servers = [f"s{number} 127.0.0.1:9001 maxconn {_MOST // 2}" for number in (1, 2)]
    with made.haproxy(4000, servers, " maxconn 5000") as path:
        try:
            assert made.dial(clients, made.PROXY, _MOST + 20) == ""
            yield ["--backends-from", str(path)]
        finally:
            made.close(clients)
