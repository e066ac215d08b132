"""Replay recorded machines, which record.py makes, against golden reports that a person has reviewed.

`HOSTTUNE_UPDATE_GOLDEN=1 pytest tests/hosts` rewrites the golden files; read the difference before it is committed.
"""

from __future__ import annotations

import difflib
import os
import subprocess
from pathlib import Path

import pytest

from tests import verbs

HERE = Path(__file__).resolve().parent
HOSTS = sorted(path.stem for path in HERE.glob("*.json"))
LARGEST = 400_000  # bytes: a snapshot that is larger slows every clone


def check(name: str, *more: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE.parent.parent), env.get("PYTHONPATH", "")]))
    # run beside the recordings, so that the report's own command line is the same on every machine
    return verbs.hosttune("check", "--role", "lb", "--snapshot", f"{name}.json", *more, env=env, cwd=HERE)


def test_there_are_at_least_six_machines() -> None:
    assert len(HOSTS) >= 6


@pytest.mark.parametrize("name", HOSTS)
def test_report_is_the_reviewed_one(name: str) -> None:
    done = check(name)
    assert not done.stderr
    here = f"{name}.exit{done.returncode}.txt"
    if os.environ.get("HOSTTUNE_UPDATE_GOLDEN") == "1":
        for old in (HERE / "golden").glob(f"{name}.exit*.txt"):
            old.unlink()
        (HERE / "golden" / here).write_text(done.stdout, encoding="utf-8")
    (golden,) = (HERE / "golden").glob(f"{name}.exit*.txt")
    difference = difflib.unified_diff(
        golden.read_text(encoding="utf-8").splitlines(), done.stdout.splitlines(), golden.name, here, lineterm=""
    )
    told = "\n".join(difference)
    assert golden.name == here and not told, f"the report changed, exit {done.returncode}:\n{told}"


@pytest.mark.parametrize("name", HOSTS)
def test_recording_is_complete_and_small(name: str) -> None:
    assert (HERE / f"{name}.json").stat().st_size < LARGEST
    # the rules of the packet filter are in no recording of before they were read
    said = check(name, "--verbose").stdout.replace("not in the snapshot: ruleset probe", "")
    assert "not in the snapshot" not in said
