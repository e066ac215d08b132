"""The role's program in another network namespace, and a check as root that may not enter it: no failure."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import needs
from tests.vm.guest import REPO

PROGRAM = """\
import ctypes, socket, sys
ctypes.CDLL(None).prctl(15, b"haproxy", 0, 0, 0)
listener = socket.create_server(("127.0.0.1", 8443))
print("ready", flush=True)
sys.stdin.read()
"""
CHECK = [sys.executable, "-m", "hosttune", "check", "--role", "lb", "--format", "json"]


@pytest.mark.slow
def test_a_check_without_the_right_to_enter_judges_where_it_runs(tmp_path: Path) -> None:
    needs.need("namespaces", "ip", "setpriv")
    program = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, "-c", PROGRAM]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin and running.stdout
        try:
            assert running.stdout.readline() == "ready\n"
            found = {}
            for name, before in {"all": [], "less": ["setpriv", "--bounding-set", "-sys_admin"]}.items():
                done = subprocess.run(
                    [*before, *CHECK], cwd=REPO, capture_output=True, text=True, check=False, timeout=60
                )
                assert done.returncode in (0, 1, 3) and done.stdout, done.stderr
                found[name] = json.loads(done.stdout)["where"]
        finally:
            running.stdin.close()
    # of all that run elsewhere it is the fullest, which need not be this one
    assert found["all"]["entered"] and found["all"]["process"]
    assert not found["less"]["entered"] and found["less"]["process"] is None
