"""What runs is no longer what its files say: they were changed or deleted since, and the first lines tell."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.netns.sandbox import ROOT
from tests.programs import stage
from tests.programs.test_found import STREAM, check, haproxy, nginx

pytestmark = pytest.mark.slow


def head(*options: str) -> str:
    """Return the first lines of the table, as one."""
    command = [sys.executable, "-m", "hosttune", "check", "--role", "lb", *options]
    wide = os.environ | {"COLUMNS": "240"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=wide)
    return " ".join(done.stdout.partition("target  ")[0].split())


def on_changed() -> None:
    """Until the program is reloaded; a snapshot keeps it."""
    path = haproxy()
    program = stage.start("haproxy", "haproxy", "-W", "-db", "-f", str(path))
    stage.wait_for_listener()
    (before,) = check()["carriers"]
    assert before["changed"] == []
    time.sleep(1.5)
    path.write_text(path.read_text().replace("frontend in", "frontend in\n    maxconn 20"))
    (row,) = check()["carriers"]
    assert (row["connections"], row["changed"]) == (20, [str(path)])
    assert f"{path}, which was changed since it started" in head()
    program.send_signal(signal.SIGUSR2)
    stage.wait_for("a reload", lambda: check()["carriers"][0]["changed"] == [])


def test_a_file_that_was_changed_is_named() -> None:
    stage.need("haproxy")
    stage.play(__file__, "on_changed")


def on_deleted() -> None:
    path = haproxy()
    stage.start("haproxy", "haproxy", "-db", "-f", str(path))
    stage.wait_for_listener()
    path.unlink()
    told = head()
    assert f"cannot be read: {path}: no such file; what it limits is not in the number" in told
    assert "connections at the latest: " in told
    assert "at the latest (" in head("--format", "nagios")


def test_of_a_file_that_was_deleted_the_number_is_no_promise() -> None:
    stage.need("haproxy")
    stage.play(__file__, "on_deleted")


def on_tie() -> None:
    """Of two that carry nothing it is the role's own program, whatever each keeps open for itself."""
    path, other = haproxy(), nginx(64, port=8001)
    other.write_text(other.read_text().replace("worker_processes 1", "worker_processes 4"))
    stage.start("nginx", "nginx", "-p", str(stage.WORK), "-c", str(other), "-g", "daemon off;")
    stage.wait_for_listener(port=8001)
    stage.start("haproxy", "haproxy", "-db", "-f", str(path))
    stage.wait_for_listener()
    assert [row["program"] for row in check()["carriers"]] == ["haproxy", "nginx"]


def test_the_program_of_the_role_wins_a_tie() -> None:
    stage.need("haproxy", "nginx", STREAM)
    stage.play(__file__, "on_tie")
