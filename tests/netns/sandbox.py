"""Run a function of a test module in a fresh network namespace of its own; nothing outlives it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests import needs

ROOT = Path(__file__).resolve().parents[2]


def need_namespaces() -> None:
    """Skip where namespaces cannot be made; under CI that is a failure."""
    needs.need("namespaces", "ip", "ss")


def inside(module: str, function: str, *args: str, alone: bool = False) -> str:
    """Return what `module.function(*args)` prints in a new namespace with lo up; its failure is the test's.

    With `alone` it sees no other processes than its own.
    """
    need_namespaces()
    code = f"import sys; from {module} import {function}; {function}(*sys.argv[1:])"
    own = ["--pid", "--fork", "--kill-child", "--mount-proc"] if alone else []
    done = subprocess.run(
        ["unshare", "-n", *own, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, "-c", code, *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextlib.contextmanager
def named(name: str, *settings: str) -> Iterator[str]:
    """Have a network namespace of a name of one's own, with settings such as net.core.somaxconn=5, for a while."""
    need_namespaces()
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        for setting in settings:
            subprocess.run(["ip", "netns", "exec", name, "sysctl", "-qw", setting], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)
