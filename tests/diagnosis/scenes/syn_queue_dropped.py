"""Without SYN cookies, half-open connections of strangers fill the SYN queue: more SYNs are dropped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made, wire

CAUSE = "syn-queue"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/tcp_syncookies", "0")
    with wire.wired():
        server, strangers = made.listener(wire.SERVER, 16), wire.Strangers()
        try:
            with made.meanwhile(lambda: strangers.send(2)):
                made.until(lambda: made.counter("TcpExt.TCPReqQFullDrop") > 5, "SYNs that were dropped")
                yield made.Stall(gone=lambda: made.stays("TcpExt.TCPReqQFullDrop"))
        finally:
            made.close(server)
            strangers.close()
