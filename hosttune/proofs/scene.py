"""What an experiment sees of its namespace: settings, addresses, a peer in a second namespace, and what cleans up."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

from hosttune import kernel
from hosttune.proofs import kernel_settings, socket_pairs, wire_frames
from hosttune.proofs.child import Child, Failed
from hosttune.proofs.crowd import Crowd

_TCP_INFO = 11  # linux/tcp.h; its first byte is the state

SECONDS = 60.0
"""The longest that the peer takes for an answer; the whole experiment has a limit of its own."""


def _loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def _of_each_family(addresses: Sequence[str]) -> list[str]:
    """Return the first address of each family."""
    return list({ipaddress.ip_address(address).version: address for address in reversed(addresses)}.values())


class Scene:
    """The namespace that this process is in; as a context it closes what one experiment opened.

    The peer is a process in a second namespace, where backends listen: on a real host they are elsewhere, and a
    listener of our own namespace would block its port. `turn` counts the experiments made here.
    """

    def __init__(self) -> None:
        self._peer: Child | None = None
        self._up = False
        self._links = wire_frames.Links()
        self.turn = 0
        self.keep: list[socket.socket] = []
        self.crowd = Crowd()

    def __enter__(self) -> Scene:
        self.turn += 1
        kernel_settings.raise_nofile()
        if not self._up:
            wire_frames.loopback_up()
            self._up = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.crowd.end()
        socket_pairs.close(self.keep)
        if self._peer is not None:
            self._peer.ask(SECONDS, do="close")

    def write(self, sysctls: Mapping[str, str]) -> None:
        """Give the namespace settings, by path below /proc/sys; raises Failed."""
        # the first port of the range may not be below the first unprivileged one, nor that above it
        for path, text in sorted(sysctls.items(), key=lambda item: "unprivileged" not in item[0]):
            try:
                kernel_settings.write_sysctl(path, text)
            except OSError as error:
                why = error.strerror or str(error)
                raise Failed(f"{path.replace('/', '.')} = {text} in the namespace: {why}") from error

    @property
    def peer(self) -> Child:
        """The process in the second namespace; it is made, and wired to this one, when first asked for."""
        if self._peer is None:
            assert not self.keep, "the peer would inherit, and keep, what is open"
            self._peer = Child(_Peer().handle)
            self._peer.ask(SECONDS, do="enter")
            try:
                wire_frames.pair(self._peer.pid)
                wire_frames.up(wire_frames.NEAR)
            except Exception as error:
                raise Failed(f"a pair of virtual interfaces (veth): {error}") from error
            self._peer.ask(SECONDS, do="up")
        return self._peer

    def reach(self, sources: Sequence[str], backends: Iterable[tuple[str, int]], backlog: int = 2**31 - 1) -> None:
        """Own the sources, and have every backend listen: loopback and own addresses here, the others at the peer."""
        outer = [source for source in sources if not _loopback(source)]
        near = [b for b in backends if _loopback(b[0]) or b[0] in sources]
        far = [b for b in backends if b not in near]
        if far or outer:
            assert self.peer
            self._links.add(outer, wire_frames.NEAR)
        for first in _of_each_family(outer):
            self._links.route(wire_frames.NEAR, first)
        if near:
            self.write({"net/core/somaxconn": str(2**31 - 1)})
        self.keep += [socket_pairs.listen(address, port, backlog) for address, port in near]
        if far:
            self.peer.ask(SECONDS, do="listen", sources=outer, backends=far, backlog=backlog)

    def route(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Have routing pick a source towards each destination, as (destination, source), where it is at the peer."""
        for destination, source in dict(pairs).items():
            if not _loopback(source) and destination != source:
                self._links.route(wire_frames.NEAR, source, destination)

    def hold(self, held: Sequence[Sequence[Any]]) -> None:
        """Have ports held by bind(): each is (address, port, listening, v6only, share)."""
        wild = ("0.0.0.0", "::")
        addresses = {h[0] for h in held if h[0] not in wild and not _loopback(h[0])}
        if addresses:
            self._links.add(sorted(addresses), "lo")
        if held:
            self.write({"net/core/somaxconn": str(2**31 - 1)})
        self.keep += [socket_pairs.hold(*row) for row in held]


class _Peer:
    """The other side of the wire."""

    def __init__(self) -> None:
        self._links = wire_frames.Links()
        self._servers: list[socket.socket] = []
        self._clients: list[socket.socket] = []

    def handle(self, question: dict[str, Any]) -> Any:
        asked = question.pop("do")
        return getattr(self, f"do_{asked}")(**question)

    def do_enter(self) -> None:
        kernel_settings.unshare(kernel.CLONE_NEWNET)
        wire_frames.loopback_up()

    def do_up(self) -> None:
        wire_frames.up(wire_frames.FAR)
        # the backends are not what is examined: they take whatever comes
        kernel_settings.write_sysctl("net/core/somaxconn", str(2**31 - 1))

    def do_listen(self, sources: list[str], backends: list[list[Any]], backlog: int) -> None:
        self._links.add(sorted({address for address, _ in backends}), "lo")
        for own in _of_each_family([address for address, _ in backends]):
            self._links.route(wire_frames.FAR, own)
        self._servers += [socket_pairs.listen(address, port, backlog) for address, port in backends]

    def do_burst(self, source: str, address: str, port: int, count: int) -> None:
        """Begin so many connections and wait for none of them; what takes time is done before the first."""
        kernel_settings.raise_nofile()
        for _ in range(count):
            client = socket.socket()
            self._clients.append(client)
            client.setblocking(False)
            client.bind((source, 0))
        for client in self._clients[-count:]:
            with contextlib.suppress(BlockingIOError):
                client.connect((address, port))

    def do_established(self, wait: float) -> int:
        """Return how many of these are ESTABLISHED, once all are or after so many seconds."""
        until = time.monotonic() + wait
        while True:
            count = sum(
                client.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 1)[0] == kernel.ESTABLISHED for client in self._clients
            )
            if count == len(self._clients) or time.monotonic() > until:
                return count
            time.sleep(0.02)

    def do_close(self) -> None:
        socket_pairs.close(self._servers)
        socket_pairs.close(self._clients)
