"""The questions about what is in use, put to the running kernel in a namespace of its own."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import time

import pytest

from hosttune.capacity.footprint import pages
from hosttune.host.probes import allowances, descriptors, routes
from tests.netns.sandbox import inside

MODULE = "tests.netns.test_usage_kernel"
CONNECTIONS = 2000


def veth() -> None:
    for command in (
        ["ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"],
        ["ip", "address", "add", "10.78.0.1/24", "dev", "v0"],
        ["ip", "link", "set", "v0", "up"],
        ["ip", "link", "set", "v1", "up"],
        ["ip", "route", "add", "10.79.0.0/24", "via", "10.78.0.2"],
    ):
        subprocess.run(command, check=True)
    answer = {
        "statistics": allowances.statistics("v0"),
        "none": allowances.statistics("lo"),
        "allowances": allowances.run(),
        "peer": socket.if_nametoindex("v1"),
        "routes": routes.run(["10.78.0.2", "10.79.0.5", "203.0.113.1"]),
    }
    json.dump(answer, sys.stdout)


def test_the_statistics_of_a_driver_and_the_gateway_of_a_route() -> None:
    answer = json.loads(inside(MODULE, "veth"))
    # what `ethtool -S` shows of a veth: the index of its other end
    assert answer["statistics"]["peer_ifindex"] == answer["peer"]
    assert answer["none"] == {} and answer["allowances"]["v0"] == {}
    gateways = {to: (bool(a["source"]), a["gateway"]) for to, a in answer["routes"].items()}
    assert gateways == {"10.78.0.2": (True, ""), "10.79.0.5": (True, "10.78.0.2"), "203.0.113.1": (False, "")}


def test_descriptors_are_counted_without_listing_them() -> None:
    before = descriptors.run([os.getpid()])[str(os.getpid())]
    held = [os.dup(0) for _ in range(50)]
    after = descriptors.run([os.getpid(), 2**22 + 1])
    for one in held:
        os.close(one)
    assert after == {str(os.getpid()): before + 50}


def queue(size: str) -> None:
    """Print the pages that a socket with so many bytes unread is charged, on average."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        pairs = []
        for _ in range(CONNECTIONS):
            client = socket.create_connection(server.getsockname())
            pairs.append((client, server.accept()[0]))
        before = _charged()
        for client, _ in pairs:
            client.sendall(bytes(int(size)))
        time.sleep(0.3)
        print((_charged() - before) / CONNECTIONS)


def _charged() -> int:
    with open("/proc/net/sockstat") as file:
        words = next(line for line in file if line.startswith("TCP:")).split()
    return int(words[words.index("mem") + 1])


@pytest.mark.parametrize("size", [100, 3200, 3500, 8000])
def test_a_queue_is_charged_whole_pages(size: int) -> None:
    # the counter is the whole host's: what others do at this moment is in it, so a wrong one is looked at again
    seen = []
    for _ in range(4):
        seen.append(float(inside(MODULE, "queue", str(size))))
        # each CPU keeps some pages in hand, and so the count is a little below
        if pages(size) - 0.35 < seen[-1] < pages(size) + 0.05:
            return
    pytest.fail(f"{size} bytes are {pages(size)} pages by the rule, the kernel charged {seen}")
