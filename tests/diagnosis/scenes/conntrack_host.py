"""The table of a host that tracks is full of open connections: a larger one takes the next."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from hosttune.proofs import netfilter
from tests.diagnosis import far, limited, made

CAUSE = "conntrack"
WHERE = "guest"
_ADDRESS = ("127.0.0.1", 1886)


@contextmanager
def scene() -> Iterator[list[str]]:
    subprocess.run(["modprobe", "nf_conntrack"], check=True)
    server, clients = made.listener(_ADDRESS), list[socket.socket]()
    try:
        netfilter.flush()  # the scenes before it have left entries in the table, which is one for the whole host
        with limited.sysctls({"net/netfilter/nf_conntrack_max": 300}):
            netfilter.track()
            netfilter.fill(250)
            with far.dialling(_ADDRESS, most=120):
                made.until(lambda: made.counter("conntrack.drop") > 10, "SYNs dropped by a full table")
                yield made.Stall(gone=lambda: made.went(not made.dial(clients, _ADDRESS, 60)))
    finally:
        made.close(clients, server)
