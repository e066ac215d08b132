"""A program with a thread for each connection, in a control group that it fills to three quarters."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = ""
DECOY_OF = "pids"
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
def scene() -> Iterator[list[str]]:
    clients: list[socket.socket] = []
    with limited.group({"pids.max": 80}) as group, made.child(limited.JOIN + _CODE, str(group), "60") as ready:
        assert ready == "ready"
        try:
            assert not made.dial(clients, _ADDRESS, 60)
            made.until(lambda: int((group / "pids.current").read_text()) >= 60, "too few threads")
            yield []
        finally:
            made.close(clients)
