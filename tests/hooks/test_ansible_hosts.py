"""Two real hosts by ssh: looked at, made ready, the same again, their reports gathered, and all taken back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.emit.test_ansible import program
from tests.hooks.ansible_hosts import BARE_HOST, NAMES, OTHER
from tests.vm import ahead
from tests.vm.guest import REPO, hooks_root, need_guest

pytestmark = pytest.mark.guest


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    need_guest(hooks_root)
    program("ansible-playbook")
    found: dict[str, Any] = ahead.played("tests.hooks.ansible_hosts:scenes", tmp_path_factory.mktemp("hosts"))
    return found


def counts(step: dict[str, Any], key: str) -> dict[str, int]:
    """Return a number of the recap by host, of a run in which nothing failed."""
    assert step["code"] == 0, step["said"]
    return {name: row[key] for name, row in step["recap"].items()}


def test_a_dry_run_says_what_it_can_and_changes_nothing(played: dict[str, Any]) -> None:
    dry = played["dry"]
    assert counts(dry, "failed") == dict.fromkeys(NAMES, 0)
    assert "what an apply would change cannot be told before it is" in dry["said"]
    # two descriptors of each connection of the profile, which is not on the host yet, and 200
    assert "+++ after: /etc/sysctl.d/90-hosttune.conf" in dry["said"] and "+fs.nr_open = 1200200\n" in dry["said"]
    assert "fs.nr_open: 1048576 -> 1200200\n" in dry["said"]
    assert played["untouched"] == {name: [] for name in NAMES}


def test_what_is_applied_is_changed_and_holds(played: dict[str, Any]) -> None:
    changed = counts(played["applied"], "changed")
    assert changed[OTHER] == 3  # the directory, the profile, the apply
    assert changed[BARE_HOST] > 3
    for name in NAMES:
        assert [line for line in played["changed"][name] if line == "fs.nr_open = 1200200"]
        assert [line for line in played["changed"][name] if line.endswith("./sysctl.d/90-hosttune.conf")]


def test_a_second_run_changes_nothing(played: dict[str, Any]) -> None:
    assert counts(played["again"], "changed") == dict.fromkeys(NAMES, 0)


def test_the_reports_are_what_a_plan_reads(played: dict[str, Any], tmp_path: Path) -> None:
    assert counts(played["gathered"], "failed") == dict.fromkeys(NAMES, 0)
    assert set(played["reports"]) == {f"{name}.json" for name in NAMES}
    for name, text in played["reports"].items():
        (tmp_path / name).write_text(text)
        report = json.loads(text)
        assert report["machine"]["hostname"] == name.removesuffix(".json")
        assert report["roles"] == ["edge"] and report["workload"]["connections"] == 600_000
    example = subprocess.run(
        [sys.executable, "-m", "hosttune", "plan", "--example"], cwd=REPO, capture_output=True, text=True, check=True
    )
    topology = tmp_path / "topology.toml"
    topology.write_text(example.stdout)
    done = subprocess.run(
        [sys.executable, "-m", "hosttune", "plan", str(topology), "--reports", str(tmp_path)],
        cwd=REPO, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    assert all(re.search(rf"\b{name}\b", done.stdout) for name in NAMES), done.stdout


def test_a_rollback_leaves_the_hosts_as_they_were(played: dict[str, Any]) -> None:
    assert counts(played["rolled-back"], "changed") == dict.fromkeys(NAMES, 1)
    assert played["back"] == {name: [] for name in NAMES}
