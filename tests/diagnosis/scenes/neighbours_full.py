"""A host talks to more peers on a link than its table of neighbours holds."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.diagnosis import far, limited, made

CAUSE = "neighbours"
WHERE = "guest"
_PORT = 9


def _say(sender: socket.socket, count: int) -> None:
    for number in range(count):
        with contextlib.suppress(OSError):  # what the table has no room for, and what the far side does not want
            sender.sendto(b"", (f"10.0.9.{number + 10}", _PORT))


@contextmanager
def peers(count: int, entries: int) -> Iterator[list[str]]:
    """Talk to so many peers, with a table for 16, once it has so many entries."""
    table = {f"net/ipv4/neigh/default/gc_thresh{n}": value for n, value in ((1, 4), (2, 8), (3, 16))}
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with far.hosts(1) as (there,), limited.sysctls(table), sender:
        far.wire(9, None, there)
        there.run("ip", "route", "add", "local", "10.0.9.0/24", "dev", "lo")
        with made.meanwhile(lambda: _say(sender, count)):
            made.until(lambda: limited.neighbours() >= entries, "the table was not filled")
            yield []


def _gone() -> str:
    """Twice the table is filled too, by 60 peers: so it was foretold."""
    made.until(lambda: limited.neighbours() > 20, "more neighbours than the old table held")
    return f"moved to {made.integer('net/ipv4/neigh/default/gc_thresh3')} entries"


@contextmanager
def scene() -> Iterator[list[str]]:
    with peers(60, 16):
        yield made.Stall(gone=_gone)
