"""With SYN cookies a flood of strangers fills the SYN queue: each further SYN is answered by a cookie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made, wire

CAUSE = "syn-queue"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/tcp_syncookies", "1")
    with wire.wired():
        server, strangers = made.listener(wire.SERVER, 16), wire.Strangers()
        try:
            with made.meanwhile(lambda: strangers.send(2)):
                made.until(lambda: made.counter("TcpExt.SyncookiesSent") > 5, "SYN cookies")
                yield []
        finally:
            made.close(server)
            strangers.close()
