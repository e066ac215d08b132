"""A decoy: the program reads nothing, and its buffers are large: the far end waits, and nothing is thrown away."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = ""
DECOY_OF = "receive-buffers"
WHERE = "netns"
_SERVER = ("127.0.0.1", 1883)


@contextmanager
def scene() -> Iterator[list[str]]:
    server = made.listener(_SERVER)
    kept: list[socket.socket] = []
    try:
        assert not made.dial(kept, _SERVER, 20)
        for client in tuple(kept):
            client.setblocking(False)
            kept.append(server.accept()[0])
            with contextlib.suppress(BlockingIOError):
                for _ in range(1000):
                    client.send(b"x" * 1000)
        yield []
    finally:
        made.close(kept, server)
