"""An apply that waits to be confirmed, on the running kernel: its timer outlives whatever ends its process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.netns.sandbox import ROOT, need_namespaces

SCENES = (
    "killed_while_it_waits", "terminal_is_lost", "killed_while_it_writes", "package_is_gone", "confirmed", "files",
)  # fmt: skip


def start(function: str) -> subprocess.Popen[str]:
    code = f"from tests.netns.confirming import {function}; {function}()"
    return subprocess.Popen(
        ["unshare", "-m", *(["-n"] if function != "files" else []), sys.executable, "-c", code],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def outcomes() -> dict[str, tuple[int, str]]:
    """Play all scenes at the same time, each in namespaces of its own: they mostly wait."""
    need_namespaces()
    running = {name: start(name) for name in SCENES}
    found = {}
    for name, one in running.items():
        said, _ = one.communicate(timeout=120)
        found[name] = (one.returncode, said)
    return found


@pytest.mark.parametrize("name", SCENES)
def test_all_is_as_before_or_kept(outcomes: dict[str, tuple[int, str]], name: str) -> None:
    code, said = outcomes[name]
    assert code == 0, said
