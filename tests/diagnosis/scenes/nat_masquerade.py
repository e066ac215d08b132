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
    with far.behind_nat(RULES, _SERVER):
        made.until(lambda: made.counter("conntrack.insert_failed") > 10, "entries that NAT has no port for")
        yield []
