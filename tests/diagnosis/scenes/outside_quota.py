"""What lies between forwards 100 connections and drops the SYN of each further one, as a cloud does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import far, made

CAUSE = "outside"
WHERE = "netns"
_SERVER = ("10.0.2.2", 1883)
_RULES = """
table ip hosttune {
  chain through {
    type filter hook forward priority 0
    ct state new ct count over 100 drop
  }
}
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    with far.hosts(2) as (between, server):
        far.wire(1, between, None)
        far.wire(2, between, server)
        far.route(None, "10.0.1.1")
        far.route(server, "10.0.2.1")
        between.sysctl("net/ipv4/ip_forward", "1")
        far.rules(between, _RULES)
        server.listen(_SERVER)
        with far.dialling(_SERVER):
            made.until(lambda: made.counter("TcpExt.TCPSynRetrans") > 10, "SYNs without an answer")
            yield []
