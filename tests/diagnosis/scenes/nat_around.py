"""A program in a network namespace of its own, whose host masquerades with 50 ports: it sees that nothing answers."""

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
    with far.behind_nat(RULES, _SERVER) as client:
        made.until(lambda: made.counter("conntrack.insert_failed") > 10, "entries that NAT has no port for")
        yield ["--pid", str(client.pid), "--for", "1s"]
