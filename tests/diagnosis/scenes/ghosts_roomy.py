"""A decoy: the same bursts find room, for the backlog is as long as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made, wire

CAUSE = ""
DECOY_OF = "ghosts"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/tcp_syncookies", "1")
    with wire.wired(clients=200) as net:
        server = made.listener(wire.SERVER, 64)
        bursts = wire.Bursts(net, server)
        try:
            with made.meanwhile(lambda: bursts.next(60), every=0.05):
                made.until(lambda: bursts.accepted > 120, "clients that are accepted")
                assert not made.counter("TcpExt.ListenOverflows")
                yield []
        finally:
            bursts.close()
            made.close(server)
