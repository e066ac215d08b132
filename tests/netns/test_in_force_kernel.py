"""A value that something else writes while an apply goes on is no success, on the running kernel of a namespace."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.netns.sandbox import ROOT, need_namespaces
from tests.netns.test_apply_kernel import MINE, ROW

STOP = """\
import json, os, signal, subprocess, sys, time
out, command = sys.argv[1], sys.argv[2:]
for place in ("/etc/sysctl.d", "/etc/security/limits.d", "/var/lib"):
    subprocess.run(["mount", "-t", "tmpfs", "none", place], check=True)
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
RANGE, BACKLOG = "/proc/sys/net/ipv4/ip_local_port_range", "/proc/sys/net/core/somaxconn"
apply = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
while apply.poll() is None and open(RANGE).read().split() != ["1024", "65535"]:
    pass
apply.send_signal(signal.SIGSTOP)
time.sleep(0.05)
open(BACKLOG, "w").write("7777")
apply.send_signal(signal.SIGCONT)
text, error = apply.communicate()
print(json.dumps({"code": apply.returncode, "out": text, "err": error, "backlog": open(BACKLOG).read().strip()}))
"""
ATTEMPTS = 5
"""On a busy machine the apply may have looked again before it is stopped."""


@pytest.mark.parametrize("format", ["json", "table"])
def test_what_is_written_over_meanwhile_is_named(tmp_path: Path, format: str) -> None:
    need_namespaces()
    rows = (("net.core.somaxconn", "at_least", 65535), ("net.ipv4.ip_local_port_range", "equals", [1024, 65535]))
    (tmp_path / "two.toml").write_text(MINE + "".join(ROW.format(*row) for row in rows))
    (tmp_path / "stop.py").write_text(STOP)
    apply = [sys.executable, "-m", "hosttune", "apply", "--profile", str(tmp_path / "two.toml"), "--yes"]
    stopped = ["unshare", "-m", "-n", sys.executable, str(tmp_path / "stop.py"), str(tmp_path), *apply]
    for _ in range(ATTEMPTS):
        done = subprocess.run(
            [*stopped, "--format", format], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        if found["code"]:
            break
    assert (found["code"], found["backlog"]) == (1, "7777"), found
    if format == "json":
        (one,) = json.loads(found["out"])["not_in_force"]
        assert (one["target"], one["when"], one["wrote"], one["holds"]) == (
            "net.core.somaxconn",
            "now",
            "65535",
            "7777",
        )
    else:
        said = " ".join(found["out"].split())
        assert "NOT IN FORCE: net.core.somaxconn: 65535 was written, 7777 is there now" in said
