"""A server at its limit of descriptors: clients wait in its queue, and it can accept none."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "nofile"
WHERE = "netns"
_SERVER = """
import select, sys, time
from tests.diagnosis import made

server = made.listener(("127.0.0.1", 1883))
print("listening", flush=True)
kept = []
while sys.stdin not in (ready := select.select([server, sys.stdin], [], [])[0]):
    try:
        kept.append(server.accept())
    except OSError:
        time.sleep(0.1)
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    with made.child(_SERVER, nofile=64) as ready:
        assert ready == "listening"
        clients: list[socket.socket] = []
        try:
            assert made.dial(clients, ("127.0.0.1", 1883), 100) == ""
            time.sleep(0.5)
            yield []
        finally:
            made.close(clients)
