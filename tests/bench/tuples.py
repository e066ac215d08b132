"""Time the count of six backends' tuples against `ss -tnH | wc -l`, in a namespace of many sockets.

    python -m tests.bench.tuples [SOCKETS]

Both ends of a connection count as sockets; all connections go to the six backends, the worst case. Takes root.
Prints the medians in seconds, their ratio and the growth of the peak memory; fails where the ratio is above 0.6.
"""

from __future__ import annotations

import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hosttune.host.probes import sockets

BACKENDS = [(f"10.78.2.{number}", 1883) for number in range(1, 7)]
NO_PORT = 24  # IP_BIND_ADDRESS_NO_PORT, linux/in.h
ALLOWED = 0.6
ROUNDS = 5


ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    return crowded("tests.bench.tuples", compare)


def crowded(module: str, compare: Callable[[int], int]) -> int:
    """Run a module's comparison in a namespace of its own that has so many sockets as the command line says."""
    if "--inside" in sys.argv:
        return measure(int(sys.argv[-1]), compare)
    count = sys.argv[1] if len(sys.argv) > 1 else "400000"
    if os.geteuid() or not shutil.which("ss"):
        print("needs root and ss")
        return 1
    # the namespace goes with its last process, and the workers end with their parent's pipe
    command = ["unshare", "-n", sys.executable, "-m", module, "--inside", count]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def prepare() -> list[socket.socket]:
    """Set up the namespace; the listeners never accept, so that the server's ends take no descriptors."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "route", "add", "local", "10.78.0.0/16", "dev", "lo"], check=True)
    for key, value in (("ipv4/ip_local_port_range", "2048 65535"), ("core/somaxconn", "1000000")):
        Path("/proc/sys/net", key).write_text(value)
    servers = []
    for backend in BACKENDS:
        server = socket.socket()
        server.bind(backend)
        server.listen(1000000)
        servers.append(server)
    return servers


def work(number: int, connections: int, ready: int, end: int) -> None:
    """Hold connections from an address of one's own until the parent closes the pipe."""
    held = []
    for index in range(connections):
        client = socket.socket()
        client.setsockopt(socket.IPPROTO_IP, NO_PORT, 1)
        client.bind((f"10.78.1.{number}", 0))
        client.connect(BACKENDS[index % len(BACKENDS)])
        held.append(client)
    os.write(ready, b"1")
    os.read(end, 1)


def populate(connections: int) -> tuple[list[int], int]:
    """Fork workers; return their ids and the pipe whose closing ends them."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    share = min(hard, 20000) - 100
    ready_out, ready_in = os.pipe()
    end_out, end_in = os.pipe()
    children = []
    for number, start in enumerate(range(0, connections, share), 1):
        child = os.fork()
        if not child:
            os.close(end_in)
            code = 1
            try:
                os.close(ready_out)
                work(number, min(share, connections - start), ready_in, end_out)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    os.close(ready_in)
    answered = 0
    while answered < len(children):
        if not (got := os.read(ready_out, 64)):
            raise SystemExit("a worker failed")
        answered += len(got)
    return children, end_in


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peak() -> int:
    """Return this process's peak memory in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure(count: int, compare: Callable[[int], int]) -> int:
    servers = prepare()
    children, end = populate(count // 2)
    try:
        return compare(count)
    finally:
        os.close(end)
        for child in children:
            os.waitpid(child, 0)
        for server in servers:
            server.close()


def compare(count: int) -> int:
    connections = count // 2
    wanted = [list(backend) for backend in BACKENDS]
    before = peak()
    found = sockets.run(wanted)["tuples"]
    grown = peak() - before
    counted = sum(int(row["established"], 16).bit_count() for row in found)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(timed(lambda: subprocess.run("ss -tnH | wc -l", shell=True, check=True, capture_output=True)))
        ours.append(timed(lambda: sockets.run(wanted)))
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(f"connections {connections}, counted {counted}, pairs {len(found)}")
    print(f"ss {statistics.median(theirs):.3f} s, ours {statistics.median(ours):.3f} s, ratio {ratio:.2f}")
    print(f"peak memory grew by {grown} KiB")
    return 0 if counted == connections and ratio <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
