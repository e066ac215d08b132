"""A client closes first, again and again, and nothing takes its ports over: TIME_WAIT has them all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "time-wait"
WHERE = "netns"


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
        yield []
    finally:
        made.close(server)
