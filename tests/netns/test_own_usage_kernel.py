"""What the workload uses itself is part of what it has: with it running, the totals are those of before."""

from __future__ import annotations

import json
import subprocess
import sys

import hosttune
from hosttune import Options
from tests.netns.sandbox import inside

MODULE = "tests.netns.test_own_usage_kernel"
CONNECTIONS = 150
PROGRAM = f"""
import resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 1000))
kept = []
for line in sys.stdin:
    if line.strip() == "connect":
        kept += [socket.create_connection(("127.0.0.1", 1883)) for _ in range({CONNECTIONS})]
    print("ready", flush=True)
"""
EXACT = ("nofile", "epoll", "conntrack", "ports")
"""What others do not move in a namespace of its own; files and memory are the whole host's."""


def totals() -> None:
    """Print the bounds of a client before it has connections, with them, and how many descriptors it had itself."""
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE)
    client = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdout and client.stdin and client.stdout
    server.stdout.readline()
    try:
        answers = []
        for word in (b"wait\n", b"connect\n"):
            client.stdin.write(word)
            client.stdin.flush()
            client.stdout.readline()
            report = hosttune.capacity(
                Options(role="client", connections=1000, backend="127.0.0.1:1883", pid=client.pid)
            )
            answers.append({bound.id: bound.hard for bound in report.bounds if isinstance(bound.hard, int)})
        json.dump(answers, sys.stdout)
    finally:
        for process in (client, server):
            process.kill()
            process.wait()


SERVER = """
import socket, time
listener = socket.create_server(("127.0.0.1", 1883), backlog=1000)
print("ready", flush=True)
time.sleep(60)
"""


def test_the_totals_are_the_same_with_the_workload_running() -> None:
    before, after = json.loads(inside(MODULE, "totals"))
    assert before.keys() == after.keys()
    for name, hard in before.items():
        if name.partition(":")[0] in EXACT:
            assert after[name] == hard, name
        else:
            # a hundred and fifty connections less would be these; what else runs on this machine moves them too
            assert abs(after[name] - hard) <= max(hard // 10, CONNECTIONS), name
