"""As many clients as the range has ports, all of another host: a server that accepts takes no local port of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import far, made

CAUSE = ""
DECOY_OF = "ports"
WHERE = "netns"


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/ipv4/ip_local_port_range", "40000 40299")
    with far.hosts(1) as (clients,):
        far.wire(1, None, clients)
        server = made.listener(("10.0.1.1", 7400), backlog=1024)
        try:
            clients.dial(("10.0.1.1", 7400), 300)
            made.until(lambda: made.counter("Tcp.CurrEstab") >= 300, "300 connections of another host")
            yield ["--stalled-at", "300"]
        finally:
            server.close()
