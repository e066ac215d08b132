"""The queues of a program's listeners against the kernel: connections until all are full, per port and in all."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from typing import Any

from hosttune.host.probes import listeners
from tests.netns.sandbox import inside

MODULE = "tests.netns.test_queue_kernel"
SHARED, ALONE = 1890, 1891
BURST = 300


def _listen(port: int, backlog: int, share: bool = False) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(share))
    made.bind(("127.0.0.1", port))
    made.listen(backlog)
    return made


def _connect(port: int) -> socket.socket:
    made = socket.socket()
    made.setblocking(False)
    made.connect_ex(("127.0.0.1", port))
    return made


def _bounds(role: str, *more: str) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "hosttune",
        "capacity",
        "--role",
        role,
        "--connections",
        "1000",
        "--format",
        "json",
    ]
    done = subprocess.run([*command, *more], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    return {b["of"]: b for b in json.loads(done.stdout)["bounds"] if b["kind"] == "accept-queue"}


def _settled() -> dict[int, list[int]]:
    """Return how many wait in the queues of each port, once none of them moves."""
    last: list[tuple[int, int]] = []
    for _ in range(100):
        now = sorted((row["port"], row["queue"]) for row in listeners.run())
        if now == last and any(queue for _, queue in now):
            break
        last = now
        time.sleep(0.1)
    return {port: [queue for other, queue in last if other == port] for port, _ in last}


def scene() -> None:
    """In the namespace: ask of each role, connect until nothing more is taken, and count what waits."""
    kept = [_listen(SHARED, 10, share=True) for _ in range(4)]
    kept.append(_listen(ALONE, 20))
    # a program without children: a parent of like name would be taken for the master of its workers
    ready, end = os.pipe()
    program = os.fork()
    if not program:
        os.close(end)
        os.read(ready, 1)
        os._exit(0)
    said = {role: _bounds(role, "--pid", str(program)) for role in ("lb", "app", "client")}
    said["nobody"] = _bounds("client")
    kept += [_connect(port) for port in (SHARED, ALONE) for _ in range(BURST)]
    held = _settled()
    watched = subprocess.run(
        [sys.executable, "-m", "hosttune", "watch", "--once", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    uses = {u["id"]: [u["used"], u["limit"]] for u in json.loads(watched.stdout.splitlines()[0])["uses"]}
    os.close(end)
    os.waitpid(program, 0)
    json.dump({"said": said, "held": held, "uses": uses}, sys.stdout)


def test_queues_hold_what_was_said_of_each_port() -> None:
    answer = json.loads(inside(MODULE, "scene"))
    held = {int(port): queues for port, queues in answer["held"].items()}
    assert held == {SHARED: [11] * 4, ALONE: [21]}
    for role in ("lb", "app", "client"):
        shared, alone = (answer["said"][role][f"127.0.0.1:{port}"] for port in (SHARED, ALONE))
        assert (shared["hard"], shared["most"]) == (min(held[SHARED]), sum(held[SHARED]))
        assert (alone["hard"], alone["most"]) == (sum(held[ALONE]), None)
    assert answer["said"]["nobody"] == {}
    assert answer["uses"][f"accept-queue:127.0.0.1:{SHARED}"] == [11, 11]
    assert answer["uses"][f"accept-queue:127.0.0.1:{SHARED}->all"] == [44, 44]
