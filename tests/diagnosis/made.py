"""What scenes are made of: settings of the namespace, listeners, and clients that stay connected."""

from __future__ import annotations

import errno as numbers
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

Address = tuple[str, int]


def sysctl(path: str, text: str) -> None:
    """Give the namespace (or guest) a setting, by its path below /proc/sys."""
    Path("/proc/sys", path).write_text(text)


def integer(path: str) -> int:
    """Return a setting that is one number, by its path below /proc/sys."""
    return int(Path("/proc/sys", path).read_text())


def listener(address: Address, backlog: int = 4096) -> socket.socket:
    """Listen; without accept() the kernel keeps the connections in the queue."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(address)
    server.listen(backlog)
    return server


def dial(
    kept: list[socket.socket],
    address: Address,
    count: int,
    prepare: Callable[[socket.socket, int], None] = lambda client, number: None,
) -> str:
    """Connect until one fails, or so many are made; return the name of the errno, "" where none failed."""
    for number in range(count):
        client = socket.socket()
        try:
            prepare(client, number)
            client.connect(address)
        except OSError as error:
            client.close()
            return numbers.errorcode.get(error.errno or 0, str(error))
        kept.append(client)
    return ""


def close(*sockets: socket.socket | Iterable[socket.socket]) -> None:
    """Close sockets."""
    for one in sockets:
        if isinstance(one, socket.socket):
            one.close()
        else:
            close(*one)
