"""A program with a short queue of its own accepts a few clients a second, and many more come: it is not stopped."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hosttune.proofs.child import Child
from tests.diagnosis import made

CAUSE = "backlog"
WHERE = "netns"
_SERVER = ("127.0.0.1", 1883)
_kept: list[socket.socket] = []


@contextmanager
def scene() -> Iterator[list[str]]:
    made.sysctl("net/core/somaxconn", "4096")
    clients: list[socket.socket] = []
    child = Child(_serve)
    try:
        child.ask(10, do="listen")
        with contextlib.suppress(Exception):
            child.ask(0.01, do="serve")
        with made.meanwhile(lambda: made.begin(clients, _SERVER, 3)):
            made.until(lambda: made.counter("TcpExt.ListenOverflows") > 5, "overflows")
            yield ["--for", "1s"]
    finally:
        child.end()
        made.close(clients)


def _serve(question: dict[str, Any]) -> None:
    if question["do"] == "listen":
        _kept.append(made.listener(_SERVER, 60))
        return
    while True:
        _kept.append(_kept[0].accept()[0])
        time.sleep(0.1)
