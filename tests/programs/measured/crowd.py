"""Backends that count who is connected, clients that stay, and a name server, all in threads of the test's process."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from tests.programs import stage

_ESTABLISHED = 1  # TCP_ESTABLISHED of linux/tcp_states.h
_PATIENCE = 2.0  # seconds that a client waits for its connection to a backend, then it counts as not carried
_A_FEW = 40  # clients that come again where some should still be carried
_HTTP = b"GET / HTTP/1.0\r\n\r\n"


class Backends:
    """Listeners, PORT of every address or ADDRESS:PORT; `carried` are the connections that they have now."""

    def __init__(self, ports: Sequence[str]) -> None:
        self._ports: dict[socket.socket, str] = {}
        self._selector = selectors.DefaultSelector()
        for port in ports:
            self._selector.register(_listening(port), selectors.EVENT_READ, port)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                peer = key.fileobj
                assert isinstance(peer, socket.socket)
                if key.data:
                    accepted, _ = peer.accept()
                    self._selector.register(accepted, selectors.EVENT_READ, None)
                    self._ports[accepted] = key.data
                elif not _more(peer):
                    self._selector.unregister(peer)
                    self._ports.pop(peer)
                    peer.close()

    @property
    def carried(self) -> int:
        return len(self._ports)

    @property
    def by_port(self) -> Counter[str]:
        return Counter(list(self._ports.values()))


def _listening(port: str) -> socket.socket:
    address, _, number = port.rpartition(":")
    if address:
        return socket.create_server((address, int(number)), backlog=4096)
    return socket.create_server(("::", int(number)), family=socket.AF_INET6, backlog=4096, dualstack_ipv6=True)


def _more(peer: socket.socket) -> bytes:
    try:
        return peer.recv(4096)
    except OSError:
        return b""


class Clients:
    """Clients that enter at some places in turn, from ports outside the range, and stay."""

    def __init__(self, enters: Sequence[tuple[str, int]], carried: Callable[[], int], speak: str) -> None:
        self._enters, self._carried, self._speak = enters, carried, speak
        self._all: list[socket.socket] = []

    @property
    def welcomed(self) -> int:
        """Those that a broker has answered, and not turned away since."""
        return sum(1 for client in self._all if _answered(client))

    def until_one_fails(self, most: int) -> int:
        """Bring one after the other, each of which is carried before the next comes; return how many are."""
        for _ in range(most):
            before = self._carried()
            if not self._comes(self._enter(), before):
                return before
        return self._carried()

    def more(self, count: int, wanted: int = 0) -> int:
        """Bring some more in a quick row; return how many are carried in the end.

        Of several processes that accept, one that is full can take them all while the others sleep, on a busy machine
        all the more: while fewer than `wanted` are carried a few more come, ever slower.
        """
        for wait in (0.001, 0.005, 0.01, 0.02, 0.04):
            for _ in range(count):
                self._enter()
                time.sleep(wait)
            carried = stage.settled(self._carried, 0.8)
            if carried >= wanted:
                break
            count = _A_FEW
        return carried

    def _enter(self) -> socket.socket:
        address, port = self._enters[len(self._all) % len(self._enters)]
        client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        client.bind(("::1" if ":" in address else "127.0.0.1", stage.CLIENT_LOW + len(self._all)))
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            client.connect((address, port))
        if self._speak:
            with contextlib.suppress(OSError):
                client.send(_connect(len(self._all)) if self._speak == "mqtt" else _HTTP)
        self._all.append(client)
        return client

    def _comes(self, client: socket.socket, before: int) -> bool:
        end = time.monotonic() + _PATIENCE
        while self._carried() <= before:
            if time.monotonic() > end or _ended(client):
                return False
            time.sleep(0.0003)
        return True


def _connect(number: int) -> bytes:
    """Return a CONNECT of MQTT 3.1.1 under a name of its own."""
    name = f"client-{number}".encode()
    rest = b"\x00\x04MQTT\x04\x02\x00\x3c" + struct.pack("!H", len(name)) + name
    return bytes([0x10, len(rest)]) + rest


def _answered(client: socket.socket) -> bool:
    try:
        return len(client.recv(64, socket.MSG_PEEK)) >= 4 and not _ended(client)
    except OSError:
        return False


def _ended(client: socket.socket) -> bool:
    """Say whether the other end has closed, what it has sent before aside."""
    return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED


def serve_names(names: Mapping[str, Sequence[str]], address: tuple[str, int] = ("127.0.0.1", 5353)) -> None:
    """Answer questions for addresses of IPv4: those of a name, in one answer; nothing for all else."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(address)

    def serve() -> None:
        while True:
            query, who = server.recvfrom(512)
            end = query.index(b"\0", 12) + 5
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1 : at + 1 + query[at]].decode())
                at += query[at] + 1
            kind = struct.unpack("!H", query[end - 4 : end - 2])[0]
            given = names.get(".".join(labels), ()) if kind == 1 else ()
            answers = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(one) for one in given)
            head = query[:2] + b"\x81\x80" + struct.pack("!HHHH", 1, len(given), 0, 0)
            server.sendto(head + query[12:end] + answers, who)

    threading.Thread(target=serve, daemon=True).start()
