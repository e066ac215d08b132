"""A rule of this host's own firewall drops the SYNs beyond 100 connections: the rule is named, not the other end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import far, made

CAUSE = "counted"
WHERE = "netns"
_SERVER = ("10.0.1.2", 1883)
_RULES = """
table ip hosttune {
  chain out {
    type filter hook output priority 0
    ct state new ct count over 100 drop
  }
}
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    with far.hosts(1) as (server,):
        far.wire(1, None, server)
        far.rules(None, _RULES)
        server.listen(_SERVER)
        with far.dialling(_SERVER):
            made.until(lambda: made.counter("TcpExt.TCPSynRetrans") > 10, "SYNs without an answer")
            yield []
