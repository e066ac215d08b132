"""What scenes are made of: settings of the namespace, listeners, and clients that stay connected."""

from __future__ import annotations

import contextlib
import errno as numbers
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from hosttune.facts import counters
from hosttune.host.live import LiveHost

ROOT = Path(__file__).resolve().parents[2]

Address = tuple[str, int]


class Stall(list[str]):
    """The options of a diagnosis, and how its fix is tried.

    `gone` makes the load again and returns "gone", or "moved to ..." what was foretold; anything else is no success.
    `after` is what the fix's sentence asks for beside what can be pasted, and is given that: a restart, a line that is
    written. `places` are those whose fixes are tried: by default a shell, here.
    """

    def __init__(
        self,
        *options: str,
        gone: Callable[[], str],
        after: Callable[[str], object] = lambda _: None,
        places: Sequence[str] = ("in the container", "on the host", "in this network namespace"),
    ) -> None:
        super().__init__(options)
        self.gone, self.after, self.places = gone, after, places


def went(done: object) -> str:
    """Return the word for a stall that is gone, where it is."""
    return "gone" if done else "it stalls as before"


def stays(name: str, seconds: float = 0.4) -> str:
    """Return "gone" where a counter does not move any more."""
    before = counter(name)
    time.sleep(seconds)
    return went(counter(name) == before)


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


def until(done: Callable[[], object], what: str, seconds: float = 60) -> None:
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


def from_address(source: str, *options: int, port: int = 0) -> Callable[[socket.socket, int], None]:
    """Return what binds a client before it connects, with options of IP (ip(7)); from `port` on, one by one."""

    def bind(client: socket.socket, number: int) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, bool(port))
        for option in options:
            client.setsockopt(socket.IPPROTO_IP, option, 1)
        client.bind((source, port + number if port else 0))

    return bind


@contextlib.contextmanager
def child(code: str, *args: str, nofile: int | None = None) -> Iterator[str]:
    """Run Python in a process of its own until the end of its input; yield the first line that it prints."""
    limited = ["prlimit", f"--nofile={nofile}:{nofile}"] if nofile else []
    with subprocess.Popen(
        [*limited, sys.executable, "-c", code, *args], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin and process.stdout
        try:
            yield process.stdout.readline().decode().strip()
        finally:
            process.stdin.close()
            process.wait(10)


def pass_by(server: socket.socket, reset: bool = False) -> str:
    """Connect to a listener, and close first: TIME_WAIT is the client's; return the errno. `reset` leaves nothing."""
    client = socket.socket()
    try:
        client.connect(server.getsockname())
    except OSError as error:
        client.close()
        return numbers.errorcode.get(error.errno or 0, str(error))
    accepted, _ = server.accept()
    if reset:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))
    client.close()
    accepted.close()
    return ""


@contextlib.contextmanager
def program(address: Address, *command: str) -> Iterator[int]:
    """Run a program until it listens at an address, and then as long as is needed; yield its pid."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 10
            while socket.socket().connect_ex(address):
                assert process.poll() is None and time.monotonic() < end, command
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()


_PROXY = """
global
{general}
defaults
 mode tcp
 timeout connect 2s
 timeout client 1m
 timeout server 1m
frontend f
 bind 127.0.0.1:7000
 maxconn {most}
 default_backend b
backend b
{servers}
"""
PROXY: Address = ("127.0.0.1", 7000)


@contextlib.contextmanager
def haproxy(most: int, servers: Sequence[str], general: str = "") -> Iterator[Path]:
    """Run HAProxy with these servers, its backend at port 9001; yield its configuration.

    `most` is the maxconn of its frontend, `general` a line of `global`, in which {directory} is one of its own.
    """
    keep = listener(("127.0.0.1", 9001))
    try:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "haproxy.cfg")
            lines = "\n".join(f" server {server}" for server in servers)
            path.write_text(_PROXY.format(general=general.format(directory=directory), most=most, servers=lines))
            with program(PROXY, "haproxy", "-db", "-f", str(path)):
                yield path
    finally:
        close([keep])


def mqtt(kept: list[socket.socket], address: Address) -> bool:
    """Connect as an MQTT 3.1.1 client with a name of its own; say whether the broker takes it."""
    client = socket.create_connection(address, 5)
    name = f"client{len(kept)}".encode()
    kept.append(client)
    rest = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2, "big") + name
    try:
        client.sendall(b"\x10" + bytes([len(rest)]) + rest)
        return client.recv(4) == b"\x20\x02\x00\x00"
    except ConnectionError:
        return False
