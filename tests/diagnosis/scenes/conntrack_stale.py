"""The table is full of what was tracked once; no rule looks at it now, and every connection is made."""

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
    server = made.listener(("127.0.0.1", 1883))
    try:
        netfilter.fill(made.integer("net/netfilter/nf_conntrack_max"))
        assert netfilter.count() >= made.integer("net/netfilter/nf_conntrack_max")
        with far.dialling(("127.0.0.1", 1883)):
            made.until(lambda: made.counter("Tcp.CurrEstab") > 20, "connections beside a full table")
            assert not made.counter("conntrack.drop")
            yield []
    finally:
        server.close()
