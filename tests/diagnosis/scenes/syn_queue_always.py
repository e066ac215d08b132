"""A decoy: tcp_syncookies is 2, so everybody gets a cookie, and no queue is full."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = ""
DECOY_OF = "syn-queue"
WHERE = "netns"
_SERVER = ("127.0.0.1", 1883)


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/tcp_syncookies", "2")
    server = made.listener(_SERVER)
    clients: list[socket.socket] = []
    try:
        with made.meanwhile(lambda: made.begin(clients, _SERVER)):
            made.until(lambda: made.counter("TcpExt.SyncookiesRecv") > 5, "cookies that came back")
            yield []
    finally:
        made.close(clients, server)
