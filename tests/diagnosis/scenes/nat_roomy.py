"""This host masquerades for a client, with ports enough."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hosttune.proofs import netfilter
from tests.diagnosis import far, made

CAUSE = ""
DECOY_OF = "nat"
WHERE = "netns"
_SERVER = ("10.0.2.2", 1883)
_RULES = """
table ip hosttune {
  chain out {
    type nat hook postrouting priority 100
    ip daddr 10.0.2.2 meta l4proto tcp masquerade
  }
}
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    with far.behind_nat(_RULES, _SERVER):
        made.until(lambda: netfilter.count() > 100, "connections through NAT")
        yield []
