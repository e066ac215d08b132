"""The table was full and dropped; it has room again, and a person speaks of connections that timed out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hosttune.proofs import netfilter
from tests.diagnosis import far, made

CAUSE = ""
DECOY_OF = "conntrack"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    netfilter.track()
    server = made.listener(("127.0.0.1", 1883))
    try:
        netfilter.fill(made.integer("net/netfilter/nf_conntrack_max"))
        with far.dialling(("127.0.0.1", 1883)):
            made.until(lambda: made.counter("conntrack.drop") > 10, "SYNs dropped by a full table")
        netfilter.flush()
        yield ["--errno", "ETIMEDOUT"]
    finally:
        server.close()
