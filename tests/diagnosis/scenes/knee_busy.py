"""A client keeps connecting where more than half of the ports are in use: each time the used half is searched first."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "knee"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/ip_local_port_range", "20000 21999")
    server = made.listener(("127.0.0.1", 1883))
    clients: list[socket.socket] = []
    over = threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            assert made.pass_by(server, reset=True) == ""

    client = threading.Thread(target=come_and_go)
    try:
        assert made.dial(clients, ("127.0.0.1", 1883), 1200) == ""
        clients += [server.accept()[0] for _ in range(1200)]
        client.start()
        yield []
    finally:
        over.set()
        client.join()
        made.close(clients, server)
