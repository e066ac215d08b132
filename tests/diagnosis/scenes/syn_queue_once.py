"""A decoy: a flood filled the SYN queue and cookies were sent; it is over, and clients come and go."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made, wire

CAUSE = ""
DECOY_OF = "syn-queue"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/tcp_syncookies", "1")
    made.sysctl("net/ipv4/tcp_synack_retries", "0")
    with wire.wired():
        server, strangers = made.listener(wire.SERVER, 16), wire.Strangers()
        clients: list[socket.socket] = []
        try:
            strangers.send(60)
            strangers.close()
            assert made.counter("TcpExt.SyncookiesSent") > 20
            made.until(lambda: not wire.half_open(), "half-open connections gone")
            assert not made.dial(clients, wire.SERVER, 8)
            yield []
        finally:
            made.close(clients, server)
