"""A decoy: a CPU's receive queue overflows with the packets of another namespace; ours are few, and arrive."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hosttune import kernel
from hosttune.proofs import kernel_settings, wire_frames
from hosttune.proofs.child import Child
from tests.diagnosis import made, wire

CAUSE = ""
DECOY_OF = "softnet"
WHERE = "netns"
_SERVER = ("127.0.0.1", 1883)


@contextmanager
def scene() -> Iterator[list[str]]:
    other = Child(_crowd)
    server = made.listener(_SERVER)
    clients: list[socket.socket] = []
    try:
        dropped = _dropped()
        # the answer to this never comes
        with contextlib.suppress(Exception):
            other.ask(0.01)
        made.until(lambda: _dropped() > dropped + 100, "packets that were dropped")
        assert not made.dial(clients, _SERVER, 8)
        yield []
    finally:
        made.close(clients, server)
        other.end()


def _crowd(_: dict[str, Any]) -> None:
    kernel_settings.unshare(kernel.CLONE_NEWNET)
    wire_frames.loopback_up()
    crowds = wire.Crowds(200)
    with crowds.wired():
        while True:
            crowds.next(1300)
            time.sleep(0.12)


def _dropped() -> int:
    return sum(int(line.split()[1], 16) for line in Path("/proc/net/softnet_stat").read_text().splitlines())
