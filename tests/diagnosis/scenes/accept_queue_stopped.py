"""A program that accepts fast enough was stopped (SIGSTOP): its queue, as long as somaxconn, overflows."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made, server

CAUSE = "accept-queue"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/core/somaxconn", "16")
    clients: list[socket.socket] = []
    try:
        with server.accepting() as (pid, address):
            assert not made.dial(clients, address, 60)
            os.kill(pid, signal.SIGSTOP)
            with made.meanwhile(lambda: made.begin(clients, address)):
                made.until(lambda: made.counter("TcpExt.ListenOverflows") > 5, "overflows")
                yield []
    finally:
        made.close(clients)
