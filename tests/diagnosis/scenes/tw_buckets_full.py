"""Connections close one after the other, and TIME_WAIT has room for ten of them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made

CAUSE = "tw-buckets"
WHERE = "netns"


def _more(server: socket.socket) -> str:
    """Close as many again: twice the limit has room for them."""
    before = made.counter("TcpExt.TCPTimeWaitOverflow")
    for _ in range(9):
        assert not made.pass_by(server)
    return made.went(made.counter("TcpExt.TCPTimeWaitOverflow") == before)


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/tcp_max_tw_buckets", "10")
    server = made.listener(("127.0.0.1", 1883))
    try:
        for _ in range(50):
            assert not made.pass_by(server)
        assert made.counter("TcpExt.TCPTimeWaitOverflow") == 40
        yield made.Stall(gone=lambda: _more(server))
    finally:
        made.close(server)
