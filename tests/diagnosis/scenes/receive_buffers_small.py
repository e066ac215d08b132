"""Clients send single bytes to a program that reads nothing, and its buffers have 4 KiB: segments are thrown away."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "receive-buffers"
WHERE = "netns"
UNTRIED = "not tried: connections that are open keep their buffers"
_SERVER = ("127.0.0.1", 1883)


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/tcp_rmem", "4096 4096 4096")
    server = made.listener(_SERVER)
    kept: list[socket.socket] = []
    clients: list[socket.socket] = []

    def send() -> None:
        # one after the other, for each of them loses its segments once, and is told to send no more
        for _ in range(3):
            client = socket.create_connection(_SERVER)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.setblocking(False)
            clients.append(client)
            kept.append(server.accept()[0])
        for client in clients[-400:]:
            with contextlib.suppress(BlockingIOError):
                for _ in range(30):
                    client.send(b"x")

    try:
        with made.meanwhile(send):
            made.until(lambda: made.counter("TcpExt.RcvPruned") > 20, "segments that are thrown away")
            yield ["--for", "3s"]
    finally:
        made.close(clients, kept, server)
