"""A program with a thread for each connection, in a control group that allows it fewer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = "pids"
WHERE = "guest"
_ADDRESS = ("127.0.0.1", 1886)
_CODE = """
import socket, threading
server = socket.create_server(("127.0.0.1", 1886), backlog=200)
print("ready", flush=True)
kept = []
def serve(client):
    client.recv(1)
try:
    for _ in range(int(sys.argv[2])):
        kept.append(server.accept()[0])
        threading.Thread(target=serve, args=kept[-1:], daemon=True).start()
except RuntimeError:
    pass
kept += [server.dup() for _ in range(200)]
sys.stdin.read()
"""


@contextmanager
def threads(most: int, least: int) -> Iterator[list[str]]:
    """Have 60 clients in a group that allows `most` tasks, once it has `least`."""
    clients: list[socket.socket] = []
    with limited.group({"pids.max": most}) as group, made.child(limited.JOIN + _CODE, str(group), "60") as ready:
        assert ready == "ready"
        try:
            assert not made.dial(clients, _ADDRESS, 60)
            made.until(lambda: int((group / "pids.current").read_text()) >= least, "too few threads")
            yield []
        finally:
            made.close(clients)


_MORE = """
import threading
for _ in range(20):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print("ran", flush=True)
sys.stdin.read()
"""


def _gone() -> str:
    with made.child(limited.JOIN + _MORE, "/sys/fs/cgroup/scene") as ran:
        return made.went(ran == "ran")


@contextmanager
def scene() -> Iterator[list[str]]:
    with threads(30, 30):
        yield made.Stall(gone=_gone)
