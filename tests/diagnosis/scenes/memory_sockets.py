"""A program that does not read, in a control group: the data in its sockets is charged to that, and fills it."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = "memory"
WHERE = "guest"
_ADDRESS = ("127.0.0.1", 1886)


def _send(clients: list[socket.socket]) -> None:
    """Send to a program that does not read."""
    for client in clients:
        with contextlib.suppress(BlockingIOError):
            client.send(bytes(16_384))


_CODE = """
import socket, threading
server = socket.create_server(("127.0.0.1", 1886), backlog=300)
print("ready", flush=True)
kept = [server.accept()[0] for _ in range(200)]
sys.stdin.read()
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    clients: list[socket.socket] = []
    with limited.group({"memory.max": 24 << 20}) as group, made.child(limited.JOIN + _CODE, str(group)) as ready:
        assert ready == "ready"
        try:
            assert not made.dial(clients, _ADDRESS, 200)
            for client in clients:
                client.setblocking(False)
            with made.meanwhile(lambda: _send(clients)):
                time.sleep(3)
                yield []
        finally:
            made.close(clients)
