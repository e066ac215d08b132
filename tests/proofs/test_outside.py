"""An experiment from outside of the tree: one file that prove makes, names in its help and offers to the shell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hosttune import cli
from hosttune.commands import completing
from tests import needs
from tests.plugged import plugged

EXPERIMENTS = "hosttune.proofs.experiments"
EXPERIMENT = """
from hosttune.proofs.proof_setup import Forecast

RANK = 99

def predict(setup):
    return (
        Forecast(
            id="dice", what="a die", setting="six faces", predicted=6, accepts=(1, 6), unit="points", fails="",
            args={"faces": 6}, seconds=0.1, memory=0,
        ),
    )

def measure(scene, faces):
    return {"measured": faces // 2, "failed": ""}
"""


@pytest.mark.slow
def test_prove_makes_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    needs.need("user namespaces")
    line = ["prove", "--role", "client", "--only", "dice", "--format", "json"]
    with plugged(EXPERIMENTS, "dice", EXPERIMENT, tmp_path), pytest.raises(SystemExit) as left:
        cli.main(line)
    (proof,) = json.loads(capfd.readouterr().out)["proofs"]
    assert not left.value.code and (proof["id"], proof["measured"]) == ("dice", 3), proof


def test_help_and_the_shell_know_it(tmp_path: Path) -> None:
    assert "dice" not in completing.experiments("")
    with plugged(EXPERIMENTS, "dice", EXPERIMENT, tmp_path):
        assert "ports,dice" in completing.experiments("ports,")
    code = (
        "import hosttune.proofs.experiments as here, sys; here.__path__.append(sys.argv[1]); from hosttune import cli; "
        "cli.main(['prove', '--help'])"
    )
    told = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "dice" in told.stdout
