"""Every recorded machine can be planned for without being there, and no plan raises a bug."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HOSTS = sorted(Path(__file__).parent.glob("*.json"))


@pytest.mark.parametrize("path", HOSTS, ids=lambda path: path.stem)
def test_a_recording_is_planned(path: Path) -> None:
    command = [sys.executable, "-m", "hosttune", "apply", "--role", "lb", "--snapshot", str(path), "--dry-run"]
    done = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, check=False)
    document = json.loads(done.stdout)
    assert done.returncode == (5 if document["refused"] else 4)
    assert done.stderr.count("\n") == bool(document["refused"])
    targets = [change["target"] for change in document["changes"]]
    assert "net.ipv4.ip_local_port_range" in targets or "whitepaper" in path.stem or "drift" in path.stem
    # what only the host has is left alone in a container, without being asked for
    assert ("container" in path.stem) == any("the host's own" in note for note in document["notes"])
    assert not document["refused"]
