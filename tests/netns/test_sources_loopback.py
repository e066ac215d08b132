"""The loopback keeps its last address: every program that speaks to its own host needs it."""

from __future__ import annotations

import subprocess
import sys

from tests.netns.sandbox import ROOT, need_namespaces

_SCRIPT = """
ip link set lo up
"$@" sources remove 127.0.0.1 --runtime-only --dry-run
echo "rc $?"
ip address add 10.0.0.20/32 dev lo
"$@" sources remove 10.0.0.20 --runtime-only --dry-run
echo "rc $?"
"""


def test_the_loopback_keeps_an_address() -> None:
    need_namespaces()
    command = ["unshare", "-n", "sh", "-c", _SCRIPT, "sh", sys.executable, "-m", "hosttune"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert [line for line in done.stdout.splitlines() if line.startswith("rc")] == ["rc 5", "rc 4"], done
    assert "127.0.0.1 stays: lo would be left without an address of IPv4" in " ".join(done.stderr.split())
