"""Child processes that answer questions, and that never outlive the one who asks."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

from hosttune.proofs import kernel_settings

Handler = Callable[[dict[str, Any]], Any]


class Failed(Exception):
    """An experiment could not be carried out; the text says why, in words for the person who asked for it."""


class Late(Failed):
    """The answer did not come in time."""


class Child:
    """A forked process that handles one question after another; raises Failed with what went wrong over there."""

    def __init__(self, handler: Handler) -> None:
        own, there = socket.socketpair()
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _live(there, own, handler, parent)
        there.close()
        self._link = own

    def ask(self, seconds: float, **question: Any) -> Any:
        """Return the answer; raises Late after so many seconds, Failed where the child could not do it."""
        until = time.monotonic() + seconds
        try:
            self._link.settimeout(max(seconds, 0.001))
            _send(self._link, question)
            answer = _receive(self._link, until)
        except TimeoutError:
            raise Late(f"no result within {seconds:,.0f} s") from None
        except OSError as error:
            raise Failed(f"the experiment's process: {os.strerror(error.errno or 0)}") from error
        if answer is None:
            raise Failed("the experiment's process ended before its time (out of memory, or killed)")
        if "failed" in answer:
            raise Failed(answer["failed"])
        return answer["value"]

    def end(self) -> None:
        """Kill the process and wait until it is gone, its sockets with it."""
        self._link.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def _live(link: socket.socket, other: socket.socket, handler: Handler, parent: int) -> None:
    """Be the child, to the end."""
    try:
        other.close()
        kernel_settings.die_with(parent)
        # the terminal's Ctrl-C goes to all: the one who asked ends the others in order
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        while (question := _receive(link, None)) is not None:
            try:
                answer = {"value": handler(question)}
            except Failed as error:
                answer = {"failed": str(error)}
            except OSError as error:
                answer = {"failed": f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"}
            except Exception as error:
                if os.environ.get("HOSTTUNE_DEBUG"):
                    sys.excepthook(*sys.exc_info())
                answer = {"failed": f"{type(error).__name__}: {error}"}
            _send(link, answer)
    finally:
        os._exit(0)


def _send(link: socket.socket, message: Any) -> None:
    data = json.dumps(message).encode()
    link.sendall(struct.pack("=I", len(data)) + data)


def _receive(link: socket.socket, until: float | None) -> dict[str, Any] | None:
    """Return a message, None where the other side is gone; raises TimeoutError."""
    head = _exactly(link, 4, until)
    if head is None:
        return None
    body = _exactly(link, struct.unpack("=I", head)[0], until)
    return None if body is None else json.loads(body)


def _exactly(link: socket.socket, size: int, until: float | None) -> bytes | None:
    data = b""
    while len(data) < size:
        if until is not None:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            link.settimeout(left)
        try:
            more = link.recv(size - len(data))
        except ConnectionResetError:
            return None
        if not more:
            return None
        data += more
    return data
