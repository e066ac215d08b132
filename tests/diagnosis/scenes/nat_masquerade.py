"""A client behind this host, which masquerades with 50 ports, wants more than 50 connections to one server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import far, made

CAUSE = "nat"
WHERE = "netns"
_SERVER = ("10.0.2.2", 1883)
RULES = """
table ip hosttune {
  chain out {
    type nat hook postrouting priority 100
    ip daddr 10.0.2.2 meta l4proto tcp masquerade to :40000-40049
  }
}
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    with far.hosts(2) as (client, server):
        far.wire(1, None, client)
        far.wire(2, None, server)
        far.route(client, "10.0.1.1")
        made.sysctl("net/ipv4/ip_forward", "1")
        far.rules(None, RULES)
        server.listen(_SERVER)
        client.dial(_SERVER, 200)
        made.until(lambda: made.counter("conntrack.insert_failed") > 10, "entries that NAT has no port for")
        yield []
