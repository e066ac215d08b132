"""Sixty random scenes, and those that held before: what is predicted is what the kernel gives."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.netns.sandbox import ROOT, need_namespaces
from tests.scenes.draw import scene
from tests.scenes.scene import Scene
from tests.scenes.stage import script


def test_a_seed_gives_one_scene() -> None:
    drawn = [scene(seed) for seed in range(200)]
    assert drawn == [scene(seed) for seed in range(200)]
    assert len({script(one) for one in drawn}) > 150
    assert {one.mode for one in drawn} and all(isinstance(one, Scene) for one in drawn)


@pytest.mark.slow
@pytest.mark.parametrize("what", [["60"], ["--fixed"]], ids=["random", "fixed"])
def test_what_is_predicted_is_so(what: list[str]) -> None:
    need_namespaces()
    done = subprocess.run(
        [sys.executable, "-m", "tests.scenes", *what],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
