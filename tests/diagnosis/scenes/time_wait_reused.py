"""TIME_WAIT has nearly all ports of the pool, and the kernel takes them over (tcp_tw_reuse)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = ""
DECOY_OF = "time-wait"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/ip_local_port_range", "20000 20099")
    made.sysctl("net/ipv4/tcp_tw_reuse", "1")
    server = made.listener(("127.0.0.1", 1883))
    try:
        for _ in range(98):
            assert made.pass_by(server) == ""
        time.sleep(1.1)
        assert made.pass_by(server) == ""
        yield []
    finally:
        made.close(server)
