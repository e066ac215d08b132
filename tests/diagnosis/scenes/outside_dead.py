"""One backend does not answer at all, another does: it is no limit of this host."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import far, made

CAUSE = "outside"
WHERE = "netns"
_RULES = """
table ip hosttune {
  chain in {
    type filter hook input priority 0
    tcp dport 1884 drop
  }
}
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    clients: list[socket.socket] = []
    with far.hosts(1) as (server,):
        far.wire(1, None, server)
        far.rules(server, _RULES)
        server.listen(("10.0.1.2", 1883))
        assert not made.dial(clients, ("10.0.1.2", 1883), 50)
        with far.dialling(("10.0.1.2", 1884), every=0.2):
            made.until(lambda: made.counter("TcpExt.TCPSynRetrans") > 3, "SYNs without an answer")
            yield []
        made.close(clients)
