"""HAProxy whose frontend has a maxconn: clients beyond it wait in the accept queue, and nothing is logged."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from hosttune import kernel
from hosttune.model import FixPlace
from hosttune.proofs.counters import in_state
from tests.diagnosis import made

CAUSE = "own-limit"
WHERE = "netns"
NEEDS = ("haproxy",)
_MOST = 150
_CLIENTS = _MOST + 20


@contextmanager
def scene() -> Iterator[list[str]]:
    clients: list[socket.socket] = []
    with contextlib.ExitStack() as running:

        def run(most: int) -> None:
            running.enter_context(made.haproxy(most, ["s1 127.0.0.1:9001"], " stats socket {directory}/admin.sock"))
            assert made.dial(clients, made.PROXY, _CLIENTS) == ""
            carried(most)

        def carried(most: int) -> None:
            """The clients' connections are the kernel's at first: wait until HAProxy has come to its limit.

            The connection that found HAProxy listening is one of them: its client has left, its backend has not yet.
            """
            most = min(most, _CLIENTS)
            states = (kernel.ESTABLISHED, kernel.CLOSE_WAIT)
            made.until(lambda: sum(in_state(state, 9001) for state in states) >= most, f"{most} clients at the backend")

        def written(line: str) -> None:
            """Give the frontend the line, and have the clients come again."""
            name, number = line.split()
            assert name == "maxconn"
            made.close(clients)
            clients.clear()
            running.close()
            run(int(number))
            allowed.append(int(number))

        def gone() -> str:
            """The least that helps was printed: for as many as were seen to wait, who may not all have come yet."""
            most = min(allowed[0], _CLIENTS)
            assert most > _MOST
            return "gone" if most == _CLIENTS else f"moved to {most} connections"

        allowed: list[int] = []

        run(_MOST)
        yield made.Stall(after=written, gone=gone, places=(FixPlace.PROGRAM,))
        made.close(clients)
