"""Bursts of clients who have a long way, larger than the backlog: cookies come back and find the queue full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made, wire

CAUSE = "ghosts"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/tcp_syncookies", "1")
    with wire.wired(clients=200) as net:
        server = made.listener(wire.SERVER, 16)
        bursts = wire.Bursts(net, server)
        try:
            with made.meanwhile(lambda: bursts.next(60), every=0.05):
                made.until(lambda: made.counter("TcpExt.SyncookiesRecv") > 20, "cookies that came back")
                yield []
        finally:
            bursts.close()
            made.close(server)
