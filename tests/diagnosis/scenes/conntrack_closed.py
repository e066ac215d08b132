"""Closed connections fill the table: a program that opens and closes all the time gets no further."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hosttune.proofs import netfilter
from tests.diagnosis import far, made

CAUSE = "conntrack-churn"
WHERE = "netns"
_OWN = 20


@contextmanager
def scene() -> Iterator[list[str]]:
    netfilter.track()
    server = made.listener(("127.0.0.1", 1883))
    try:
        netfilter.fill(made.integer("net/netfilter/nf_conntrack_max") - _OWN, netfilter.TIME_WAIT)
        with far.dialling(("127.0.0.1", 1883), keep=False):
            made.until(lambda: made.counter("conntrack.drop") > 10, "SYNs dropped by a full table")
            yield []
    finally:
        server.close()
