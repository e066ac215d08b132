"""A program has no descriptor left to accept with: its queue overflows, and that is but the consequence."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made, server

CAUSE = "nofile"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/core/somaxconn", "16")
    clients: list[socket.socket] = []
    try:
        with (
            server.accepting(descriptors=64) as (_, address),
            made.meanwhile(lambda: made.begin(clients, address)),
        ):
            made.until(lambda: made.counter("TcpExt.ListenOverflows") > 5, "overflows")
            yield []
    finally:
        made.close(clients)
