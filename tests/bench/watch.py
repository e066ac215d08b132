"""Measure the share of one core that `hosttune watch` takes, in a namespace of many sockets, beside `ss` each second.

    python -m tests.bench.watch [SOCKETS [SECONDS]]

The live screen is drawn on a pseudo-terminal, and connections come and go, so that nothing can be spared. Both ends of
a connection count as sockets; all go to six backends. Takes root. Prints shares in per cent; fails where `watch`
takes more than is promised: 2 % with 100,000 sockets, 10 % with 1,000,000.
"""

from __future__ import annotations

import os
import pty
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.bench.tuples import BACKENDS, NO_PORT, populate, prepare

ALLOWED = {100_000: 2.0, 1_000_000: 10.0}
CHURN = 20  # connections a second
SETTLE = 6.0  # seconds in which watch starts and looks at everything for the first time
ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    if "--inside" in sys.argv:
        return measure(int(sys.argv[-2]), float(sys.argv[-1]))
    count = sys.argv[1] if len(sys.argv) > 1 else "100000"
    length = sys.argv[2] if len(sys.argv) > 2 else "30"
    if os.geteuid() or not shutil.which("ss"):
        print("needs root and ss")
        return 1
    # the namespace goes with its last process, and the workers end with their parent's pipe
    command = ["unshare", "-n", sys.executable, "-m", "tests.bench.watch", "--inside", count, length]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def measure(count: int, length: float) -> int:
    servers = prepare()
    children, end = populate(count // 2)
    over = threading.Event()
    churn = threading.Thread(target=churning, args=(over,))
    churn.start()
    try:
        ours = watched(length)
        summary, listing = each_second(["ss", "-s"]), each_second(["ss", "-tan"])
    finally:
        over.set()
        churn.join()
        os.close(end)
        for child in children:
            os.waitpid(child, 0)
        for server in servers:
            server.close()
    allowed = ALLOWED[max(size for size in ALLOWED if size <= max(count, 100_000))]
    print(f"sockets {count:,}, {CHURN} connections a second come and go")
    print(f"hosttune watch   {ours:6.2f} % of a core, promised is {allowed:g} %")
    print(f"ss -s each 1 s   {summary:6.2f} %")
    print(f"ss -tan each 1 s {listing:6.2f} %")
    return 0 if ours <= allowed else 1


def churning(over: threading.Event) -> None:
    """Open and close connections from an address of their own until it is over."""
    number = 0
    while not over.wait(1 / CHURN):
        with socket.socket() as client:
            client.setsockopt(socket.IPPROTO_IP, NO_PORT, 1)
            client.bind(("10.78.3.1", 0))
            client.connect(BACKENDS[number % len(BACKENDS)])
        number += 1


def watched(length: float) -> float:
    """Return the share that `watch` takes once it has started."""
    child, terminal = pty.fork()
    if not child:
        os.environ.update(TERM="xterm-256color", COLUMNS="120", LINES="40")
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "hosttune", "watch"])
    reader = threading.Thread(target=drained, args=(terminal,))
    reader.start()
    try:
        time.sleep(SETTLE)
        first, start = ticks(child), time.monotonic()
        time.sleep(length)
        last, took = ticks(child), time.monotonic() - start
        os.write(terminal, b"q")
    finally:
        os.waitpid(child, 0)
        reader.join()
        os.close(terminal)
    return (last - first) / os.sysconf("SC_CLK_TCK") / took * 100


def drained(terminal: int) -> None:
    while True:
        try:
            if not os.read(terminal, 65536):
                return
        except OSError:  # the other end is closed
            return


def ticks(pid: int) -> int:
    """Return what a process has used of the CPU, in the kernel too (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def each_second(command: list[str], rounds: int = 5) -> float:
    """Return the share that a command takes where it is run once a second."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(rounds):
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / rounds * 100


if __name__ == "__main__":
    sys.exit(main())
