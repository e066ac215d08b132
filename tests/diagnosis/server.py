"""A server in a process of its own, that accepts whatever comes for as long as it has descriptors."""

from __future__ import annotations

import contextlib
import errno
import resource
import socket
import time
from collections.abc import Iterator
from typing import Any

from hosttune.proofs.child import Child
from tests.diagnosis import made

ADDRESS = ("127.0.0.1", 1883)


@contextlib.contextmanager
def accepting(descriptors: int = 1024) -> Iterator[tuple[int, made.Address]]:
    """Yield the process and its address; it has so many descriptors, and its queue is as long as somaxconn."""
    child = Child(_serve)
    try:
        child.ask(10, do="listen", descriptors=descriptors)
        # the answer to this never comes: it serves until it is ended
        with contextlib.suppress(Exception):
            child.ask(0.01, do="serve")
        yield child.pid, ADDRESS
    finally:
        child.end()


_kept: list[socket.socket] = []


def _serve(question: dict[str, Any]) -> None:
    if question["do"] == "listen":
        resource.setrlimit(resource.RLIMIT_NOFILE, (question["descriptors"], question["descriptors"]))
        _kept.append(made.listener(ADDRESS))
        return
    while True:
        try:
            _kept.append(_kept[0].accept()[0])
        except OSError as error:
            assert error.errno == errno.EMFILE, error
            time.sleep(0.1)
