"""A stage for a real program: namespaces of its own, a short port range, a backend, and clients that take none of it.

Whatever runs here ends with the stage: the processes are of its own PID namespace, what they write lies on a tmpfs.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hosttune.capacity.logs import OR, appears
from tests import needs
from tests.netns.sandbox import ROOT

LOW, HIGH = 20000, 20199
FRONTEND, SOURCE, SECOND_SOURCE, BACKEND = "10.88.0.1", "10.88.0.2", "10.88.0.3", "10.88.0.11"
BACKEND_PORT = 1883
CLIENT_LOW = 30000  # ports of the clients: bound, so they must lie outside the range
WORK = Path("/run/stage")
_WRITTEN = ("/run", "/var/log", "/var/lib/nginx")  # what the programs of a distribution write to


def need(*programs: str) -> None:
    """Skip where a program is missing; under CI that is a failure."""
    needs.need("namespaces", "ip", "ss", *programs)


def play(file: str, function: str, *args: str, seconds: float = 150) -> None:
    """Run a function of a file of tests on a stage; its failure is the test's, with the logs of the program."""
    module = ".".join(Path(file).resolve().relative_to(ROOT).with_suffix("").parts)
    code = f"import sys; from tests.programs import stage; from {module} import {function}; "
    code += f"stage.run({function}, sys.argv[1:])"
    own = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    done = subprocess.run(
        [*own, sys.executable, "-c", code, *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def run(function: Callable[..., None], args: list[str]) -> None:
    """Dress the stage and run the function; where it fails, print what the program has logged."""
    for directory in filter(os.path.isdir, _WRITTEN):
        subprocess.run(["mount", "-t", "tmpfs", "stage", directory], check=True)
    WORK.mkdir()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in (FRONTEND, SOURCE, SECOND_SOURCE, BACKEND):
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    setting("net/ipv4/ip_local_port_range", f"{LOW} {HIGH}")
    try:
        function(*args)
    except BaseException:
        for log in sorted(WORK.rglob("*.log")):
            print(f"--- {log}\n{log.read_text(errors='replace')[-3000:]}")
        raise


def start(name: str, *command: str, nofile: int | None = None) -> subprocess.Popen[bytes]:
    """Start a program in the foreground; what it prints goes to NAME.log."""
    limited = ["prlimit", f"--nofile={nofile}:{nofile}"] if nofile else []
    environment = {**os.environ, "HOME": str(WORK)}
    with (WORK / f"{name}.log").open("wb") as log:
        return subprocess.Popen([*limited, *command], stdout=log, stderr=log, cwd=WORK, env=environment)


def setting(key: str, value: str) -> None:
    """Set a sysctl of this namespace."""
    Path("/proc/sys", key).write_text(value)


def listen(address: str = BACKEND, port: int = BACKEND_PORT, backlog: int = 4096) -> socket.socket:
    """Listen as a backend that never accepts: the kernel completes the connections, and keeps them in the queue."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen(backlog)
    return server


def join(crowd: list[socket.socket], count: int, address: str = FRONTEND, port: int = 8000) -> None:
    """Add connections to a program, from ports outside the range; they wait in its accept queue until it takes them."""
    for _ in range(count):
        client = socket.socket()
        client.bind((address, CLIENT_LOW + len(crowd)))
        client.settimeout(5)
        client.connect((address, port))
        crowd.append(client)


def fill(predicted: int, count: Callable[[], int], extra: int = 20, shared: bool = False) -> int:
    """Bring as many clients as predicted, in steps that are each carried, then some more; return what is carried.

    With `shared` processes the predicted ones may wait for the next: a client wakes one of them (EPOLLEXCLUSIVE), and
    where that one is full, it is the client after it who wakes another.
    """
    crowd: list[socket.socket] = []
    while len(crowd) < predicted:
        join(crowd, min(50, predicted - len(crowd)))
        if not shared:
            wait_for(f"{len(crowd)} of the {predicted} predicted", lambda: count() >= len(crowd))
    join(crowd, extra)
    carried = settled(count)
    for client in crowd:
        client.close()
    return carried


def wait_for(what: str, true: Callable[[], Any], seconds: float = 40) -> Any:
    """Return the first true answer; fails with `what` after some seconds."""
    end = time.monotonic() + seconds
    while not (answer := true()):
        assert time.monotonic() < end, f"in {seconds} s not: {what}"
        time.sleep(0.05)
    return answer


def wait_for_listener(address: str = FRONTEND, port: int = 8000) -> None:
    wait_for(f"a listener at {address}:{port}", lambda: ss("state", "listening", "src", f"{address}:{port}"))


def ss(*query: str) -> list[str]:
    """Return the sockets that ss(8) lists, a line each."""
    return subprocess.run(["ss", "-tnH", *query], capture_output=True, text=True, check=True).stdout.splitlines()


def established(address: str = BACKEND, port: int = BACKEND_PORT) -> int:
    """Return how many connections a server has, counted at its own end."""
    return len(ss("state", "established", "src", f"{address}:{port}"))


def settled(count: Callable[[], int], quiet: float = 0.7) -> int:
    """Return a count once it has not changed for a while."""
    last, since, end = count(), time.monotonic(), time.monotonic() + 20
    while time.monotonic() - since < quiet:
        assert time.monotonic() < end, f"never settles: {last}"
        time.sleep(0.1)
        if (now := count()) != last:
            last, since = now, time.monotonic()
    return last


def log_of(name: str) -> str:
    """Return what a program has printed so far."""
    return (WORK / f"{name}.log").read_text(errors="replace")


def logged(text: Callable[[], str], bound: dict[str, Any]) -> None:
    """Hold that a line which `capacity` announces for a bound comes to stand in a log."""
    assert bound["log"], f"no line is announced for {bound['id']}"
    lines = bound["log"].split(OR)
    wait_for(f"one of {lines} in the log", lambda: any(appears(line, text()) for line in lines), 5)


def descriptors(pid: int) -> int:
    """Return how many descriptors a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def own_descriptors(pid: int) -> int:
    """Return how many a program has opened for itself, once all of its threads have theirs."""
    return settled(lambda: descriptors(pid), 0.5)


def capacity(*options: str) -> subprocess.CompletedProcess[str]:
    """Run `hosttune capacity` here."""
    command = [sys.executable, "-m", "hosttune", "capacity", "--format", "json", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def ask(*options: str) -> dict[str, Any]:
    """Return the bounds that `hosttune capacity` predicts here, by id."""
    done = capacity(*options)
    assert done.returncode in (0, 1), done.stderr
    return {bound["id"]: bound for bound in json.loads(done.stdout)["bounds"]}
