"""A client closes first, again and again, and nothing takes its ports over: TIME_WAIT has them all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "time-wait"
WHERE = "netns"


def _second(_: str) -> None:
    time.sleep(1.1)  # tcp_tw_reuse_delay: what has just closed is not taken over


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/ip_local_port_range", "20000 20099")
    made.sysctl("net/ipv4/tcp_tw_reuse", "0")
    server = made.listener(("127.0.0.1", 1883))
    try:
        errno = ""
        for _ in range(200):
            errno = errno or made.pass_by(server)
        assert errno == "EADDRNOTAVAIL", errno
        yield made.Stall(gone=lambda: made.went(not any(made.pass_by(server) for _ in range(60))), after=_second)
    finally:
        made.close(server)
