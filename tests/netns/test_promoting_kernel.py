"""The other addresses of a subnet and the setting that keeps them come back from a kill at any step."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.netns.sandbox import ROOT, need_namespaces


def test_a_kill_leaves_neither_the_setting_nor_the_addresses_behind() -> None:
    need_namespaces()
    inner = 'mount -t tmpfs none /var/lib && ip link set lo up && exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "-n", "sh", "-c", inner, "sh", sys.executable, "-m", "tests.netns.promoting"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert [step.partition(" ")[0] for step in found["steps"] if step.startswith(("poke", "address"))] == [
        "poke",
        "address",
        "poke",
    ]
    assert found["killed"] == len(found["steps"]) and found["wrong"] == []
