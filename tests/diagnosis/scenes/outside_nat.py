"""This host is the client behind a NAT that has 50 ports for it: all it sees is that nothing answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import far, made
from tests.diagnosis.scenes.nat_masquerade import RULES

CAUSE = "outside"
WHERE = "netns"
_SERVER = ("10.0.2.2", 1883)


@contextmanager
def scene() -> Iterator[list[str]]:
    with far.hosts(2) as (gateway, server):
        far.wire(1, gateway, None)
        far.wire(2, gateway, server)
        far.route(None, "10.0.1.1")
        gateway.sysctl("net/ipv4/ip_forward", "1")
        far.rules(gateway, RULES)
        server.listen(_SERVER)
        with far.dialling(_SERVER):
            made.until(lambda: made.counter("TcpExt.TCPSynRetrans") > 10, "SYNs without an answer")
            yield []
