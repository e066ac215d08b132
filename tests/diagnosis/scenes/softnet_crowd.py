"""More SYNs go out in one softirq than a CPU's receive queue takes (netdev_max_backlog): veth drops the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import made, wire

CAUSE = "softnet"
WHERE = "netns"
_CROWD = 1300  # the default of netdev_max_backlog is 1000 (net/core/hotdata.c), and no namespace shows it


@contextmanager
def scene() -> Iterator[list[str]]:
    crowds = wire.Crowds(80)
    with crowds.wired(), made.meanwhile(lambda: crowds.next(_CROWD), every=0.12):
        made.until(lambda: made.counter("TcpExt.TCPSynRetrans") > 20, "SYNs that were retransmitted")
        yield []
