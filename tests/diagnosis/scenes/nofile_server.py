"""A server at its limit of descriptors: clients wait in its queue, and it can accept none."""

from __future__ import annotations

import contextlib
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hosttune.model import FixPlace
from tests.diagnosis import made

CAUSE = "nofile"
WHERE = "netns"
_SERVER = """
import os, select, sys, time
from tests.diagnosis import made

server = made.listener(("127.0.0.1", 1883))
print(os.getpid(), flush=True)
kept = []
while sys.stdin not in (ready := select.select([server, sys.stdin], [], [])[0]):
    try:
        kept.append(server.accept())
    except OSError:
        time.sleep(0.1)
"""


@contextmanager
def scene() -> Iterator[list[str]]:
    clients: list[socket.socket] = []
    with contextlib.ExitStack() as running:
        _start(running, 64)
        assert made.dial(clients, ("127.0.0.1", 1883), 100) == ""
        time.sleep(0.5)

        def anew(options: str) -> None:
            """Run it as its container would with the options: no higher than this box may."""
            soft = int(options.removeprefix("--ulimit nofile=").partition(":")[0])
            made.close(clients)
            clients.clear()
            running.close()
            have.append(_start(running, min(soft, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
            made.dial(clients, ("127.0.0.1", 1883), 100)

        def gone() -> str:
            made.until(lambda: len(list(have[0].iterdir())) > 100, "the clients that it takes now")
            return "gone"

        have: list[Path] = []
        yield made.Stall(after=anew, gone=gone, places=(FixPlace.RUN,))
        made.close(clients)


def _start(running: contextlib.ExitStack, most: int) -> Path:
    """Start the server; return where its descriptors are."""
    return Path("/proc", running.enter_context(made.child(_SERVER, nofile=most)), "fd")
