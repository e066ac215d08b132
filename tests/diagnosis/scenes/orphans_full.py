"""A program closes connections with data unsent, more than tcp_max_orphans: they are reset."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = "orphans"
WHERE = "guest"
_ADDRESS = ("127.0.0.1", 1886)


def _gone() -> str:
    made.until(lambda: limited.orphans() > 50, "more orphans than were allowed")
    return f"moved to {made.integer('net/ipv4/tcp_max_orphans')} orphans"


@contextmanager
def scene() -> Iterator[list[str]]:
    server = made.listener(_ADDRESS)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # what it does not read, the peer keeps
    try:
        with limited.sysctls({"net/ipv4/tcp_max_orphans": 40}):
            limited.leave(_ADDRESS, 60)
            made.until(lambda: limited.orphans() > 36, "no orphans")
            with made.meanwhile(lambda: limited.leave(_ADDRESS, 4)):
                yield made.Stall(gone=_gone)
    finally:
        made.close(server)
