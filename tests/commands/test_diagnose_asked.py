"""What `hosttune diagnose` makes of what it is asked for: a process that ends meanwhile, a log named twice."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def _diagnose(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "hosttune", "diagnose", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_process_that_ends_meanwhile_is_told() -> None:
    with subprocess.Popen(["sleep", "60"]) as process, _diagnose("--pid", str(process.pid), "--for", "9s") as run:
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(5)  # until it has begun to look
        process.terminate()
        process.wait()
        told, wrong = run.communicate(timeout=60)
    assert f"sleep ({process.pid}) ended while it was read" in " ".join(told.split()), wrong


def test_a_log_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("2026/01/01 00:00:00 [alert] 1#1: *2 socket() failed (24: Too many open files)\n")
    with _diagnose("--log", str(log), "--log", str(log)) as run:
        told, wrong = run.communicate(timeout=60)
    assert " ".join(told.split()).count("Too many open files") == 1, wrong


def test_a_time_to_watch_is_said_to_be_of_no_use_to_a_snapshot(tmp_path: Path) -> None:
    taken = tmp_path / "snapshot"
    subprocess.run([sys.executable, "-m", "hosttune", "snapshot", "-o", str(taken)], check=True, capture_output=True)
    with _diagnose("--snapshot", str(taken), "--for", "5s") as run:
        told, wrong = run.communicate(timeout=60)
    assert "--for 5s was not used" in told, wrong
