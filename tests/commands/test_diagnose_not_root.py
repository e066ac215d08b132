"""Who is not root sees the pools and the processes all the same, and is told what root would add."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.diagnosis.scenes import ports_connect
from tests.netns.sandbox import ROOT, inside

pytestmark = pytest.mark.slow


def play() -> None:
    """Diagnose a full pool from a user namespace without a map: the user is nobody there and has no capability."""
    command = ["unshare", "--user", sys.executable, "-m", "hosttune", "diagnose", "--format"]
    with ports_connect.scene():
        for format in ("json", "table"):
            done = subprocess.run([*command, format], cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 1, done.stdout + done.stderr
            print(json.dumps(done.stdout))


def test_nobody_finds_the_cause() -> None:
    document, table = map(json.loads, inside("tests.commands.test_diagnose_not_root", "play").splitlines())
    found = json.loads(document)
    assert found["conclusion"] == "cause"
    assert (found["causes"][0]["kind"], found["causes"][0]["certainty"], found["causes"][0]["at"]) == (
        "ports",
        "certain",
        100,
    )
    assert any("kernel's log" in text for text in found["missing"])
    assert "root would add: " in table
