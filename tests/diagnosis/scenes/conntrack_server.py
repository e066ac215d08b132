"""The server's own table is full: the SYNs of clients elsewhere are dropped before any listener sees them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hosttune.proofs import netfilter
from tests.diagnosis import far, made

CAUSE = "conntrack"
WHERE = "netns"
_OWN = 50
_RULES = """
table ip hosttune {
  chain in {
    type filter hook input priority 0
    ct state established accept
  }
}
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    with far.hosts(1) as (client,):
        far.wire(1, None, client)
        server = made.listener(("10.0.1.1", 1883))
        far.rules(None, _RULES)
        netfilter.fill(made.integer("net/netfilter/nf_conntrack_max") - _OWN)
        client.dial(("10.0.1.1", 1883), 200)
        made.until(lambda: made.counter("conntrack.drop") > 10, "SYNs dropped by a full table")
        yield []
        server.close()
