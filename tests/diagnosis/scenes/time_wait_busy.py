"""Very many sockets in TIME_WAIT, and ports for many more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = ""
DECOY_OF = "time-wait"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/ip_local_port_range", "20000 20999")
    made.sysctl("net/ipv4/tcp_tw_reuse", "0")
    server = made.listener(("127.0.0.1", 1883))
    try:
        for _ in range(400):
            assert made.pass_by(server) == ""
        yield []
    finally:
        made.close(server)
