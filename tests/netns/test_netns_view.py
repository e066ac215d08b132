"""`--netns` looks from inside a namespace: its own keys, its own sockets, and the host's where none are its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.netns.sandbox import named

NAME = f"hosttune-test-{os.getpid()}"


@pytest.fixture
def namespace() -> Iterator[str]:
    with named(NAME, "net.ipv4.ip_local_port_range=20000 20099") as name:
        yield name


def test_the_namespace_is_what_is_seen(namespace: str) -> None:
    command = [sys.executable, "-m", "hosttune", "check", "--role", "lb", "--format", "json", "--netns", namespace]
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    rows = {finding["subject"]: finding["reading"]["runtime"] for finding in report["findings"] if finding["reading"]}
    assert report["machine"]["network_namespace"] == "another"
    assert rows["sysctl:net.ipv4.ip_local_port_range"] == [20000, 20099]
    assert rows["sysctl:net.ipv4.tcp_mem"]["unknown"] == "INVISIBLE"
    assert isinstance(rows["sysctl:fs.nr_open"], int)
    assert next(b["hard"] for b in report["bounds"] if b["id"] == "ports:one-pool") == 100
