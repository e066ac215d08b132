"""Three quarters of the table are entries of closed connections; it serves those that come all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hosttune.proofs import netfilter
from tests.diagnosis import far, made

CAUSE = ""
DECOY_OF = "conntrack-churn"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    netfilter.track()
    server = made.listener(("127.0.0.1", 1883))
    try:
        netfilter.fill(made.integer("net/netfilter/nf_conntrack_max") * 3 // 4, netfilter.TIME_WAIT)
        with far.dialling(("127.0.0.1", 1883)):
            made.until(lambda: made.counter("Tcp.CurrEstab") > 20, "connections beside a busy table")
            yield []
    finally:
        server.close()
