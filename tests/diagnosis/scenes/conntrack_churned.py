"""A program opens and closes connections all the time: after some seconds those that it closed fill a small table."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from hosttune.proofs import netfilter
from tests.diagnosis import far, made

CAUSE = "conntrack-churn"
WHERE = "guest"
_SERVER = ("10.0.1.2", 1883)
_MAX = "net/netfilter/nf_conntrack_max"


@contextmanager
def scene() -> Iterator[list[str]]:
    subprocess.run(["modprobe", "nf_conntrack"], check=True)
    before = made.integer(_MAX)
    made.sysctl(_MAX, "300")
    netfilter.track()
    try:
        with far.hosts(1) as (server,):
            far.wire(1, None, server)
            server.listen(_SERVER)
            with far.dialling(_SERVER, keep=False):
                made.until(lambda: made.counter("conntrack.drop") > 10, "SYNs dropped by a full table", 60)
                yield made.Stall(gone=lambda: made.stays("conntrack.drop"))
    finally:
        made.sysctl(_MAX, str(before))
