"""mosquitto with max_connections: it turns clients away, with descriptors and ports to spare."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.diagnosis import made

CAUSE = "own-limit"
WHERE = "netns"
NEEDS = ("mosquitto",)
_MOST = 50
_CONFIG = f"""
listener 1883 127.0.0.1
max_connections {_MOST}
allow_anonymous true
persistence false
user root
log_dest stderr
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    with full() as (taken, pid, _):
        yield ["--stalled-at", str(taken), "--pid", str(pid)]


@contextmanager
def full() -> Iterator[tuple[int, int, Path]]:
    """Have a broker that takes no more clients; yield how many it took, its pid and its configuration."""
    clients: list[socket.socket] = []
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "mosquitto.conf")
        path.write_text(_CONFIG)
        with made.program(("127.0.0.1", 1883), "mosquitto", "-c", str(path)) as pid:
            try:
                taken = sum(made.mqtt(clients, ("127.0.0.1", 1883)) for _ in range(_MOST + 20))
                # some versions take one more than they are told
                assert _MOST <= taken <= _MOST + 1, taken
                yield taken, pid, path
            finally:
                made.close(clients)
