"""A program that does not read, in a control group: the data in its sockets is charged to that, and fills it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.diagnosis import limited, made

CAUSE = "memory"
WHERE = "guest"
_ADDRESS = ("127.0.0.1", 1886)


_CODE = """
import socket, threading
server = socket.create_server(("127.0.0.1", 1886), backlog=600)
print("ready", flush=True)
kept = [server.accept()[0] for _ in range(500)]
sys.stdin.read()
"""


def _gone(group: Path) -> str:
    made.until(lambda: int((group / "memory.current").read_text()) > 26 << 20, "more memory than was allowed")
    return "gone"


def _frugal(client: socket.socket, number: int) -> None:
    """Keep little here of what is sent: it is not to be the memory of the whole host that runs out."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32_768)


@contextmanager
def scene() -> Iterator[list[str]]:
    clients: list[socket.socket] = []
    with (
        limited.sysctls({"net/ipv4/tcp_mem": "60000 80000 120000"}),  # beyond what the sockets on both sides take
        limited.group({"memory.max": 24 << 20}) as group,
        made.child(limited.JOIN + _CODE, str(group)) as ready,
    ):
        assert ready == "ready"
        try:
            assert not made.dial(clients, _ADDRESS, 500, _frugal)
            with made.meanwhile(lambda: limited.fill(clients, 16_384, 1)):
                made.until(lambda: int((group / "memory.current").read_text()) > 24 << 20, "the group was not filled")
                yield made.Stall(gone=lambda: _gone(group))
        finally:
            made.close(clients)
