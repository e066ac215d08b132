"""The fast tests, `-m "not slow"`: whoever may do nothing here runs them, soon and without a guest."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import needs, pace
from tests.vm import ahead

REPO = Path(__file__).resolve().parents[1]
EVERY = 8
"""Of each file the first test and each eighth after it: all of them would take half as long as the whole suite."""
MOST = 120
"""Seconds of CPU: those on the clock say how busy the machine is, and on a busy one these are half again as many."""

# the processes that a test leaves to others count too: they become children of this one
_MEASURED = """
import ctypes, json, os, resource, subprocess, sys
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
code = subprocess.call(sys.argv[1:])
try:
    while True:
        os.waitpid(-1, 0)
except ChildProcessError:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"code": code, "seconds": used.ru_utime + used.ru_stime}))
"""
_CONFTEST = """
from tests.conftest import *
from tests.vm import ahead
"""
_TESTS = """
import pytest
from tests import needs
from tests.vm import ahead

@pytest.mark.parametrize("number", range(ahead.MANY))
def test_many(number):
    assert ahead.playing() is PLAYING

@pytest.mark.guest("json:loads")
def test_a_guest():
    pass
"""


@pytest.mark.slow
def test_nobody_runs_them_soon(tmp_path: Path) -> None:
    needs.need("user namespaces")
    options = ["-q", "-m", "not slow", "-p", "no:cacheprovider", "--basetemp", str(tmp_path / "made")]
    options += [f"--every={EVERY}"]
    # in a user namespace: somebody without capabilities, who reads the files of whoever runs this
    command = ["unshare", "--user", "--map-user=1000", "--map-group=1000", sys.executable, "-m", "pytest", *options]
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *command], cwd=REPO, capture_output=True, text=True, check=False
    )
    *said, last = done.stdout.splitlines()
    found = json.loads(last)
    assert found["code"] == 0, "\n".join(said[-60:])
    assert not re.search(r"\d+ (skipped|error)", said[-1]), "\n".join(said[-20:])
    assert found["seconds"] / pace.slower() < MOST, found


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.slow
def test_a_guest_starts_for_tests_that_were_selected(tmp_path: Path, fast: bool) -> None:
    needs.need("root")
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    (tmp_path / "test_it.py").write_text(_TESTS.replace("PLAYING", str(not fast)))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(["-m", "not slow"] if fast else [])]
    environment = {**ahead.apart(), "PYTHONPATH": str(REPO)}
    done = subprocess.run(
        [*command, str(tmp_path)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


@pytest.mark.slow
def test_what_takes_more_is_to_be_marked(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\n")
    (tmp_path / "test_it.py").write_text(
        "import pytest\nfrom tests import needs\n\n\ndef test_one():\n    needs.need('python3')\n\n\n"
        "@pytest.mark.slow\ndef test_other():\n    needs.need('python3')\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    environment = {**ahead.apart(), "PYTHONPATH": str(REPO)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "it takes python3: mark it as slow" in done.stdout
    assert "2 passed, 1 error" in done.stdout, done.stdout
