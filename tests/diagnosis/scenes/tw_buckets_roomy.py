"""A decoy: as many connections close, and TIME_WAIT has room for more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = ""
DECOY_OF = "tw-buckets"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/tcp_max_tw_buckets", "60")
    server = made.listener(("127.0.0.1", 1883))
    try:
        for _ in range(50):
            assert not made.pass_by(server)
        yield []
    finally:
        made.close(server)
