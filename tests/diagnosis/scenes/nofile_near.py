"""A process with 95 % of the descriptors that it may have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = ""
DECOY_OF = "nofile"
WHERE = "netns"
_CLIENT = """
import os, socket, sys
kept = []
while os.stat("/proc/self/fd").st_size < 95:
    kept.append(socket.create_connection(("127.0.0.1", 1883)))
print(os.stat("/proc/self/fd").st_size, flush=True)
sys.stdin.read()
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    server = made.listener(("127.0.0.1", 1883))
    try:
        with made.child(_CLIENT, nofile=100) as count:
            assert count == "95", count
            yield []
    finally:
        made.close(server)
