"""Other hosts of a scene: processes in network namespaces of their own, wired to this one and to each other.

They, and all that they have open, end with the scene: Child dies with the process that made it.
"""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

from hosttune import kernel
from hosttune.proofs import kernel_settings
from hosttune.proofs.child import Child
from tests.diagnosis import made

Address = tuple[str, int]
_SECONDS = 30.0


class Far:
    """A host of its own, that does what it is told."""

    def __init__(self) -> None:
        self._child = Child(_handle)
        self._child.ask(_SECONDS, do="enter")
        self.pid = self._child.pid
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *command: str, text: str = "") -> None:
        """Run a command there."""
        _run("nsenter", "-t", str(self.pid), "-n", *command, text=text)

    def sysctl(self, path: str, text: str) -> None:
        self._child.ask(_SECONDS, do="sysctl", path=path, text=text)

    def listen(self, address: Address) -> None:
        """Accept whatever comes, and read it."""
        self._child.ask(_SECONDS, do="listen", address=address)

    def dial(self, address: Address, most: int) -> None:
        """Keep beginning connections, without an end or an answer."""
        self._child.ask(_SECONDS, do="dial", address=address, most=most)

    def end(self) -> None:
        self._child.end()


@contextlib.contextmanager
def behind_nat(ruleset: str, server_at: Address) -> Iterator[Far]:
    """Have this host translate for a client, by a ruleset, towards a server; yield the client, which dials it."""
    with hosts(2) as (client, server):
        wire(1, None, client)
        wire(2, None, server)
        route(client, "10.0.1.1")
        made.sysctl("net/ipv4/ip_forward", "1")
        rules(None, ruleset)
        server.listen(server_at)
        client.dial(server_at, 200)
        yield client


@contextlib.contextmanager
def hosts(count: int) -> Iterator[list[Far]]:
    """Yield so many other hosts."""
    found: list[Far] = []
    try:
        found.extend(Far() for _ in range(count))
        yield found
    finally:
        for host in found:
            host.end()


def wire(net: int, one: Far | None, other: Far) -> None:
    """Join two hosts, of which None is this one: 10.0.NET.1 and 10.0.NET.2 at the ends of a pair."""
    names = f"near{net}", f"far{net}"
    _run("ip", "link", "add", names[0], "type", "veth", "peer", "name", names[1])
    for number, (host, name) in enumerate(zip((one, other), names, strict=True), 1):
        if host:
            _run("ip", "link", "set", name, "netns", str(host.pid))
        command = host.run if host else _run
        command("ip", "addr", "add", f"10.0.{net}.{number}/24", "dev", name)
        command("ip", "link", "set", name, "up")


def route(host: Far | None, gateway: str) -> None:
    """Send all else to a gateway."""
    (host.run if host else _run)("ip", "route", "add", "default", "via", gateway)


def rules(host: Far | None, text: str) -> None:
    """Load rules of nftables, one a line, after `table ip hosttune {`, which they close."""
    if host:
        host.run("nft", "-f", "-", text=text)
    else:
        _run("nft", "-f", "-", text=text)


@contextlib.contextmanager
def dialling(address: Address, most: int = 400, keep: bool = True, every: float = 0.02) -> Iterator[None]:
    """Begin one connection after another meanwhile and wait for none, as a program does that knows no limit.

    Without `keep` each is closed after a while.
    """
    over = threading.Event()
    thread = threading.Thread(target=_dial, args=(address, most, keep, every, over))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def talking(clients: list[socket.socket], every: float = 0.02) -> Iterator[None]:
    """Send a little on each connection again and again meanwhile."""
    over = threading.Event()

    def talk() -> None:
        for client in clients:
            client.setblocking(False)
        while not over.wait(every):
            for client in clients:
                with contextlib.suppress(OSError):
                    client.send(b"x" * 200)

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _dial(address: Address, most: int, keep: bool, every: float, over: threading.Event) -> None:
    kept: list[socket.socket] = []
    while not over.wait(every):
        client = socket.socket()
        client.setblocking(False)
        kept.append(client)
        with contextlib.suppress(OSError):  # EINPROGRESS, and nobody here knows what comes of it
            client.connect(address)
        if len(kept) > (most if keep else 20):
            kept.pop(0).close()
    made.close(kept)


def _run(*command: str, text: str = "") -> None:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stderr, text)


def _handle(question: dict[str, Any]) -> Any:
    asked = question.pop("do")
    return globals()[f"_do_{asked}"](**question)


def _do_enter() -> None:
    kernel_settings.unshare(kernel.CLONE_NEWNET)
    kernel_settings.raise_nofile()


def _do_sysctl(path: str, text: str) -> None:
    made.sysctl(path, text)


def _do_listen(address: list[Any]) -> None:
    server = made.listener((address[0], address[1]))
    threading.Thread(target=_serve, args=(server,), daemon=True).start()


def _do_dial(address: list[Any], most: int) -> None:
    never = threading.Event()
    threading.Thread(target=_dial, args=((address[0], address[1]), most, True, 0.02, never), daemon=True).start()


def _serve(server: socket.socket) -> None:
    poll = select.epoll()
    poll.register(server, select.EPOLLIN)
    open_now: dict[int, socket.socket] = {server.fileno(): server}
    while True:
        for number, _ in poll.poll():
            one = open_now[number]
            if one is server:
                client, _ = server.accept()
                open_now[client.fileno()] = client
                poll.register(client, select.EPOLLIN)
            elif not _read(one):
                del open_now[number]
                one.close()


def _read(one: socket.socket) -> bytes:
    try:
        return one.recv(1 << 16)
    except OSError:
        return b""
