"""One connection in the way of a bind mode, one listener, one port that somebody holds: plain socket calls."""

from __future__ import annotations

import contextlib
import socket
import struct

from hosttune.model import BindMode
from hosttune.proofs import kernel_settings

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: no TIME_WAIT is left, so nothing but open sockets holds ports
_WAIT = 2.0  # seconds: SO_SNDTIMEO bounds connect(), socket(7)


class Refused(Exception):
    """A call that the kernel refused, and its errno."""

    def __init__(self, call: str, number: int) -> None:
        super().__init__(kernel_settings.failure(call, number))
        self.call = call
        self.number = number


def family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listen(address: str, port: int, backlog: int = 2**31 - 1) -> socket.socket:
    """Return a listener; an address that is not there yet is no error; raises OSError."""
    server = socket.socket(family(address), socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if server.family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        server.bind((address, port))
        server.listen(backlog)
    except OSError as error:
        server.close()
        raise OSError(error.errno, error.strerror, f"listener {address} port {port}") from error
    return server


def hold(address: str, port: int, listening: bool, v6only: bool, share: bool) -> socket.socket:
    """Return a socket that owns a port by bind(), listening or not; raises OSError."""
    holder = socket.socket(family(address), socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(share))
    if holder.family == socket.AF_INET6:
        holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(v6only))
    try:
        holder.bind((address, port))
        if listening:
            holder.listen(2**31 - 1)
    except OSError as error:
        holder.close()
        raise OSError(error.errno, error.strerror, f"held port {address} {port}") from error
    return holder


def client(
    mode: BindMode,
    source: str,
    address: str,
    port: int,
    local: int = 0,
    wait: float = _WAIT,
    reset: bool = True,
) -> socket.socket:
    """Return a connection to address and port; raises Refused.

    CONNECT leaves the source to routing. `local` is the port of an explicit bind. `wait` is seconds for an answer.
    `reset`: when it is closed nothing is left of it, no TIME_WAIT.
    """
    opened = socket.socket(family(address), socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    call = "setsockopt"
    try:
        if reset:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(wait), int(wait % 1 * 1e6)))
        if mode is BindMode.NO_PORT:
            opened.setsockopt(socket.IPPROTO_IP, kernel_settings.NO_PORT, 1)
        if mode is BindMode.EXPLICIT:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        call = "bind"
        if mode is not BindMode.CONNECT:
            opened.bind((source, local))
        call = "connect"
        opened.connect((address, port))
    except OSError as error:
        opened.close()
        raise Refused(call, error.errno or 0) from error
    return opened


def close(sockets: list[socket.socket]) -> None:
    for connection in sockets:
        with contextlib.suppress(OSError):
            connection.close()
    sockets.clear()
