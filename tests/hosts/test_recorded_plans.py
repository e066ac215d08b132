"""Every recorded machine can be planned for without being there, and no plan raises a bug."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hosttune.changes.planned import Planned
from hosttune.changes.request import Request
from hosttune.host import Host
from hosttune.model import Verdict
from hosttune.options import Options
from hosttune.workflows import apply_plan, examine, loading, opening
from tests import verbs

HOSTS = sorted(Path(__file__).parent.glob("*.json"))


@pytest.mark.parametrize("path", HOSTS, ids=lambda path: path.stem)
def test_a_recording_is_planned(path: Path) -> None:
    done = verbs.hosttune("apply", "--role", "lb", "--snapshot", str(path), "--dry-run", "--format", "json")
    document = json.loads(done.stdout)
    assert done.returncode == (5 if document["refused"] else 4)
    assert done.stderr.count("\n") == bool(document["refused"])
    targets = [change["target"] for change in document["changes"]]
    assert "net.ipv4.ip_local_port_range" in targets or "whitepaper" in path.stem or "drift" in path.stem
    # what only the host has is left alone in a container, without being asked for
    assert ("container" in path.stem) == any("the host's own" in note for note in document["notes"])
    assert not document["refused"]


@pytest.mark.parametrize("connections", ["5000", "50000", "1000000"])
@pytest.mark.parametrize("path", HOSTS, ids=lambda path: path.stem)
def test_what_apply_writes_satisfies_check(path: Path, connections: str) -> None:
    host = opening.open_host("/", str(path))
    for world in (host, _Started(host)):
        loaded = loading.load(world, Options(role=["lb"], connections=int(connections)))
        before = examine.examine(world, loaded.profiles, loaded.workload, loaded.programs, "")
        request, findings = apply_plan.request(world, loaded, before, Request(), [], False)
        plan = apply_plan.plan(world, Planned(world), request, findings, loaded.profiles)
        after = Planned(world, plan.changes)
        report = examine.examine(after, loaded.profiles, loaded.workload, loaded.programs, "")
        written = {s for change in plan.changes for s in change.serves}
        files = {c.target for c in plan.changes if c.backend == "file"}
        wrong = [
            f"{finding.id}: {finding.because}"
            for finding in report.findings
            if finding.verdict is Verdict.FAIL
            and ((finding.requirement and str(finding.subject) in written) or any(p in finding.because for p in files))
        ]
        assert wrong == []


class _Started:
    """A recorded machine that another program than systemd has started, with what its kernel reckons by itself."""

    def __init__(self, inner: Host) -> None:
        self._inner = inner
        self._files = {"/proc/1/comm": "tini\n", "/proc/sys/fs/file-max": "289768\n"}

    def read(self, path: str) -> str:
        return self._files[path] if path in self._files else self._inner.read(path)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
