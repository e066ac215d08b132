"""A program at a hard limit equal to fs.nr_open holds most of its descriptors, and nothing is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import limited, made

CAUSE = ""
DECOY_OF = "nr-open"
WHERE = "guest"
_CODE = """
import socket, sys
kept = [socket.socket() for _ in range(1800)]
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    with limited.sysctls({"fs/nr_open": 2000}), made.child(_CODE, nofile=2000) as ready:
        assert ready == "ready"
        yield []
