"""Run what makes namespaces by name in namespaces of its own: nothing of it is seen outside, or outlives it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALONE = (
    "unshare",
    "-m",
    "-n",
    "sh",
    "-c",
    'mount -t tmpfs t /run && mkdir /run/netns && ip link set lo up && exec "$@"',
)
"""What runs the words after it alone."""


def in_namespaces(module: str, function: str) -> str:
    """Return what `module.function()` prints there; its failure is the test's."""
    code = f"from {module} import {function}; {function}()"
    done = subprocess.run(
        [*ALONE, "sh", sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
