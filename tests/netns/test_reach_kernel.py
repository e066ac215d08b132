"""What `capacity` says reaches the target is set on the running kernel, and reaches it; one address less does not."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.netns.sandbox import inside

MODULE = "tests.netns.test_reach_kernel"
WANTED = 400_000


def _capacity(*more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "hosttune", "capacity", "--role", "client", "--connections", str(WANTED)]
    command += ["--rate", "1", "--backend", "10.8.0.2:1883", "--format", "json", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _ports(report: dict[str, Any]) -> int:
    return int(next(b["hard"] for b in report["bounds"] if b["id"] == "ports:all"))


def reach(mode: str) -> None:
    """In the namespace: ask, do what is asked for one address at a time, and ask again."""
    ends = ("link set d0 up", "link set d1 up", "address add 10.8.0.1/16 dev d0")
    for line in ("link add d0 type veth peer name d1", *ends):
        subprocess.run(["ip", *line.split()], check=True)
    before = _capacity("--bind-mode", mode)
    needs = {need["subject"]: need["value"] for need in before["remedies"]}
    assert _ports(before) == 28_232 and needs["sysctl:net.ipv4.ip_local_port_range"] == [1024, 65535]
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as file:
        file.write("1024 65535")
    more = needs["sources"]
    for number in range(more):
        assert _ports(_capacity("--bind-mode", mode, "--source", "all")) < WANTED
        subprocess.run(["ip", "address", "add", f"10.8.1.{number + 1}/16", "dev", "d0"], check=True)
    after = _capacity("--bind-mode", mode, "--source", "all")
    assert _ports(after) >= WANTED and "sources" not in {need["subject"] for need in after["remedies"]}
    print(more)


@pytest.mark.parametrize("mode", ["no-port", "bind"])
def test_what_is_said_to_reach_the_target_does(mode: str) -> None:
    assert int(inside(MODULE, "reach", mode)) == 6
