"""Without SYN cookies, tcp_max_syn_backlog ends the SYN queue far below the backlog: only ListenDrops counts it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made, wire

CAUSE = "syn-queue"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/tcp_syncookies", "0")
    made.sysctl("net/ipv4/tcp_max_syn_backlog", "64")
    with wire.wired():
        server, strangers = made.listener(wire.SERVER, 1000), wire.Strangers()
        try:
            with made.meanwhile(lambda: strangers.send(2)):
                made.until(lambda: made.counter("TcpExt.ListenDrops") > 5, "SYNs that were dropped")
                assert not made.counter("TcpExt.TCPReqQFullDrop")
                yield []
        finally:
            made.close(server)
            strangers.close()
