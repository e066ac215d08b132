"""What is counted on the hosts: connections by ss(8), devices by Tsung, messages by a subscriber of each broker."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.box import hosts

PORT = 1883


def at(host: str) -> int:
    """Return the connections that a server has, without the subscriber's."""
    given = ["src", f":{PORT}", "and", "not", "dst", hosts.CONTROLLER_ADDRESS]
    return len(hosts.on(host, "ss", "-tnH", "state", "established", *given).splitlines())


def pools(host: str) -> Counter[tuple[str, str]]:
    """Return the connections of a host by source address and backend."""
    rows = [
        line.split() for line in hosts.on(host, "ss", "-tnH", "state", "established", "dst", f":{PORT}").split("\n")
    ]
    return Counter((row[2].rpartition(":")[0], row[3]) for row in rows if row)


def tsung(name: str, directory: Path) -> int:
    """Return the last total of a counter in tsung.log."""
    total = 0
    for file in directory.glob("*/tsung.log"):
        for line in file.read_text(errors="replace").splitlines():
            words = line.split()
            if words[:2] == ["stats:", name]:
                total = int(float(words[-1]))
    return total


class Subscriber:
    """Counts the messages that brokers deliver for a topic, from the controller, over a connection to each of them."""

    def __init__(self, addresses: Sequence[str], topic: str) -> None:
        self._counts = [0] * len(addresses)
        self._sockets = [_subscribed(address, topic) for address in addresses]
        for number, connection in enumerate(self._sockets):
            threading.Thread(target=self._read, args=(number, connection), daemon=True).start()

    @property
    def messages(self) -> int:
        return sum(self._counts)

    def close(self) -> None:
        for connection in self._sockets:
            connection.shutdown(socket.SHUT_RDWR)

    def _read(self, number: int, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while head := stream.read(1):
                length = shift = 0
                while True:  # seven bits a byte, the eighth says that more follow: MQTT 3.1.1, 2.2.3
                    byte = stream.read(1)[0]
                    length |= (byte & 0x7F) << shift
                    shift += 7
                    if byte < 0x80:
                        break
                stream.read(length)
                self._counts[number] += head[0] >> 4 == 3


def _subscribed(address: str, topic: str) -> socket.socket:
    """Connect as MQTT 3.1.1 does without a keepalive, and subscribe at QoS 0."""
    connection = socket.create_connection((address, PORT), 5)
    rest = b"\x00\x04MQTT\x04\x02\x00\x00\x00\x07counter"
    connection.sendall(b"\x10" + bytes([len(rest)]) + rest)
    if _exactly(connection, 4) != b"\x20\x02\x00\x00":
        raise RuntimeError(f"{address}: the broker takes no subscriber")
    name = topic.encode()
    rest = b"\x00\x01" + len(name).to_bytes(2, "big") + name + b"\x00"
    connection.sendall(b"\x82" + bytes([len(rest)]) + rest)
    if _exactly(connection, 5) != b"\x90\x03\x00\x01\x00":
        raise RuntimeError(f"{address}: the broker takes no subscription")
    connection.settimeout(None)
    return connection


def _exactly(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count and (more := connection.recv(count - len(found))):
        found += more
    return found
