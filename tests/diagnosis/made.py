"""What scenes are made of: settings of the namespace, listeners, and clients that stay connected."""

from __future__ import annotations

import contextlib
import errno as numbers
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from hosttune.facts import counters
from hosttune.host.live import LiveHost

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


def begin(kept: list[socket.socket], address: Address, count: int = 1, most: int = 400) -> None:
    """Begin connections without waiting for them; of those that are kept no more than `most` stay open."""
    for _ in range(count):
        client = socket.socket()
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            client.connect(address)
        kept.append(client)
    while len(kept) > most:
        kept.pop(0).close()


def counter(name: str) -> int:
    """Return what this namespace (or guest) counts: `TcpExt.ListenOverflows`, `conntrack.drop`; 0 where it does not."""
    return counters.gather(LiveHost()).counters.get(name, 0)


def until(done: Callable[[], object], what: str, seconds: float = 20) -> None:
    """Wait for what a scene cannot do without."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.02)


@contextlib.contextmanager
def meanwhile(step: Callable[[], object], every: float = 0.03) -> Iterator[None]:
    """Do something again and again, in a thread; what goes wrong there goes wrong here at the end."""
    over, failed = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            while not over.wait(every):
                step()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert not failed, failed


def close(*sockets: socket.socket | Iterable[socket.socket]) -> None:
    """Close sockets."""
    for one in sockets:
        if isinstance(one, socket.socket):
            one.close()
        else:
            close(*one)
