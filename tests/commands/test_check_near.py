"""`hosttune check` says what is nearly used up now, and nothing of it where there is room."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.netns.sandbox import ROOT, inside

pytestmark = pytest.mark.slow


def warned(connections: str) -> None:
    """Print the warnings of `check` beside so many connections, in a namespace with 200 ports."""
    from tests.diagnosis import made

    made.sysctl("net/ipv4/ip_local_port_range", "20000 20199")
    server = made.listener(("127.0.0.1", 1883))
    kept: list[Any] = []
    made.dial(kept, ("127.0.0.1", 1883), int(connections))
    command = [sys.executable, "-m", "hosttune", "check", "--role", "client", "--format", "json"]
    command += ["--backend", "127.0.0.1:1883"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(json.dumps(json.loads(done.stdout)["warnings"]))
    made.close(kept, server)


def ports(connections: int) -> list[str]:
    found = json.loads(inside("tests.commands.test_check_near", "warned", str(connections)).splitlines()[-1])
    return [text for text in found if "ports 127.0.0.1" in text]


def test_a_pool_that_is_nearly_full_is_said() -> None:
    assert ports(190) == ["near its limit now: ports 127.0.0.1 -> 127.0.0.1:1883: 190 of 200 ports (95 %)"]


def test_a_pool_beyond_its_knee_is_slow() -> None:
    told = "slow now: ports 127.0.0.1 -> 127.0.0.1:1883: 120 of 200 ports (60 %), slow above 100"
    assert ports(120) == [told]


def test_a_pool_with_room_is_not() -> None:
    assert ports(50) == []
