"""Every fifth segment of open connections that talk is lost on the way."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import far, made

CAUSE = "path"
WHERE = "netns"
_RULES = """
table ip hosttune {{
  chain in {{
    type filter hook prerouting priority 0
    tcp flags & syn == 0 numgen {losing} 0 drop
  }}
}}
"""


@contextmanager
def lossy(losing: str, resent: int) -> Iterator[list[str]]:
    """Have 50 connections talk on a way that loses some, once more than so many segments were retransmitted."""
    clients: list[socket.socket] = []
    with far.hosts(1) as (server,):
        far.wire(1, None, server)
        server.listen(("10.0.1.2", 1883))
        assert not made.dial(clients, ("10.0.1.2", 1883), 50)
        far.rules(server, _RULES.format(losing=losing))
        with far.talking(clients):
            made.until(lambda: made.counter("Tcp.RetransSegs") > resent, "segments that were retransmitted")
            yield []
        made.close(clients)


@contextmanager
def scene() -> Iterator[list[str]]:
    with lossy("random mod 5", 50) as options:
        yield options
