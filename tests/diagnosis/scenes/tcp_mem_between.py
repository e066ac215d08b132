"""Data waits unread in many sockets, in more pages than tcp_mem's first mark and fewer than its second."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = ""
DECOY_OF = "tcp-mem"
WHERE = "guest"
_ADDRESS = ("127.0.0.1", 1886)


@contextmanager
def scene() -> Iterator[list[str]]:
    server, clients = made.listener(_ADDRESS), list[socket.socket]()
    try:
        with limited.sysctls({"net/ipv4/tcp_mem": "300 4000 8000"}):
            assert not made.dial(clients, _ADDRESS, 400)
            limited.fill(clients, 8000, 1)
            made.until(lambda: limited.pages() > 400, "TCP took no pages")
            assert limited.pages() < 4000
            yield []
    finally:
        made.close(clients, server)
