"""A program listens on a port of the range, and another one's connection has got it: bind() fails."""

from __future__ import annotations

import errno
import socket
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.diagnosis import made

CAUSE = "port-taken"
WHERE = "netns"
_SERVER = ("127.0.0.1", 1883)


def _listens(port: int, client: socket.socket, accepted: socket.socket) -> str:
    """End the connection, and say whether the port is the listener's now, and is drawn by nobody else."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))
    made.close(client, accepted)
    made.sysctl("net/ipv4/ip_local_port_range", f"{port} {port + 1}")
    drawn: list[socket.socket] = []
    made.dial(drawn, _SERVER, 2)
    free = all(one.getsockname()[1] != port for one in drawn)
    made.close(drawn, made.listener(("127.0.0.1", port)))
    return made.went(free and bool(drawn))


@contextmanager
def scene() -> Iterator[list[str]]:
    server = made.listener(_SERVER)
    client = socket.create_connection(_SERVER)
    port, accepted = client.getsockname()[1], server.accept()[0]
    try:
        made.listener(("127.0.0.1", port)).close()
        raise AssertionError("a port that a connection has was given to a listener")
    except OSError as error:
        assert error.errno == errno.EADDRINUSE
        said = f"mqttd: cannot listen on 127.0.0.1:{port}: {error.strerror}\n"
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory, "mqttd.log")
        log.write_text(said)
        yield made.Stall("--log", str(log), gone=lambda: _listens(port, client, accepted))
    made.close(client, accepted, server)
