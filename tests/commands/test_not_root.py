"""Who is not root reads one line with the command that works; a script is printed all the same."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.changes import tree
from tests.netns import sandbox

pytestmark = pytest.mark.slow


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Path]:
    """Return a tree without a kernel that takes no writes from whoever has no capability."""
    sandbox.need_namespaces()
    root = tree.make(tmp_path / "image")
    for path in (root / "proc").rglob("*"):
        if path.is_file():
            path.unlink()
    directories = [path for path in (root, *root.rglob("*")) if path.is_dir()]
    for path in directories:
        path.chmod(0o555)
    yield root
    for path in directories:
        path.chmod(0o755)


def as_nobody(*args: str) -> subprocess.CompletedProcess[str]:
    """Run an apply in a user namespace without a map: the user is nobody there, and has no capability here."""
    command = ["unshare", "--user", sys.executable, "-m", "hosttune", "apply", "--role", "lb", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_is_one_line_with_the_same_command(image: Path) -> None:
    before = tree.look(image)
    done = as_nobody("--root", str(image), "--yes")
    assert (done.returncode, done.stdout) == (5, "")
    again = f"{sys.executable} -m hosttune apply --role lb --root {image} --yes"
    again = f"sudo {again}" if shutil.which("sudo") else f"{again}  # as root"
    assert done.stderr == f"hosttune: not root: nothing was changed; {again}\n"
    assert tree.look(image) == before


def test_a_dry_run_is_for_everybody(image: Path) -> None:
    done = as_nobody("--root", str(image), "--dry-run")
    assert done.returncode == 4 and not done.stderr
    assert "+net.ipv4.ip_local_port_range = 1024 65535" in done.stdout and "only root can apply it" in done.stdout
    shown = json.loads(as_nobody("--root", str(image), "--dry-run", "--format", "json").stdout)
    assert shown["changed"] and not shown["refused"] and "only root can apply it" in shown["notes"]


def test_json_has_every_reason_and_the_line_beside_it(image: Path) -> None:
    done = as_nobody("--root", str(image), "--yes", "--format", "json")
    assert len(json.loads(done.stdout)["refused"]) > 1
    assert done.stderr.startswith("hosttune: not root: ") and done.stderr.count("\n") == 1


def test_a_script_is_for_whoever_runs_it(image: Path) -> None:
    done = as_nobody("--root", str(image), "--script")
    assert done.returncode == 0 and not done.stderr
    assert done.stdout.startswith("#!/bin/sh\n")
