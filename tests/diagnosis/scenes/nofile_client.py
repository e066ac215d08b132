"""A client at its limit of descriptors: its next socket() fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "nofile"
WHERE = "netns"
_CLIENT = """
import errno, socket, sys
kept = []
try:
    while True:
        kept.append(socket.create_connection(("127.0.0.1", 1883)))
except OSError as error:
    print(errno.errorcode[error.errno], flush=True)
sys.stdin.read()
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    server = made.listener(("127.0.0.1", 1883))
    try:
        with made.child(_CLIENT, nofile=64) as errno:
            assert errno == "EMFILE", errno
            yield []
    finally:
        made.close(server)
