"""Ansible takes the inventory and the playbook, and the playbook says changed where hosttune says it."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import needs
from tests.planning.deploy import deployed

pytestmark = pytest.mark.slow

# stands for hosttune on the hosts: it notes how it was called, and answers as apply, sources and check do
STUB = """#!/bin/sh
echo "$*" >>"{log}"
case "$1" in
    apply) echo '{{"changed": true}}' ;;
    sources) echo '{{"changed": false}}' ;;
    check) echo '{{"schema": "x", "text": "{{{{ not a template }}}}"}}'; exit 1 ;;
esac
"""


def program(name: str) -> str:
    """Return the path of a program of Ansible; skip where it is missing, under CI that is a failure."""
    needs.need(name)
    return needs.where(name)


def run(tmp_path: Path, name: str, *words: str) -> str:
    environment = {**os.environ, "ANSIBLE_HOME": str(tmp_path / "home"), "ANSIBLE_LOCALHOST_WARNING": "False"}
    # its own words go to stdout and stderr alike
    done = subprocess.run(
        [program(name), *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture
def emitted(tmp_path: Path) -> Path:
    program("ansible-playbook")
    named = tuple(
        dataclasses.replace(tier, interface="ens5") if tier.name == "lb" else tier for tier in deployed.small().tiers
    )
    deployed.write(deployed.deploy(dataclasses.replace(deployed.small(), tiers=named)), str(tmp_path / "out"))
    return tmp_path / "out" / "ansible"


def test_the_inventory_has_the_hosts_of_the_plan_in_groups(emitted: Path, tmp_path: Path) -> None:
    listed: dict[str, Any] = json.loads(run(tmp_path, "ansible-inventory", "-i", f"{emitted}/inventory.yml", "--list"))
    assert listed["tier_broker"]["hosts"] == ["broker-1", "broker-2"]
    lb = listed["_meta"]["hostvars"]["lb-1"]
    assert lb == {
        "ansible_host": "10.1.2.1",
        "hosttune_role": "lb",
        "hosttune_profile": "profiles/lb-1.toml",
        "hosttune_connections": 400,
        "hosttune_rate": 100,
        "hosttune_interface": "ens5",
        "hosttune_sources": ["10.1.2.101-10.1.2.102"],
    }


def test_the_playbook_applies_the_plan_and_keeps_the_reports(emitted: Path, tmp_path: Path) -> None:
    log, stub = tmp_path / "called", tmp_path / "hosttune-stub"
    stub.write_text(STUB.format(log=log))
    stub.chmod(0o755)
    given = {
        "hosttune_command": str(stub),
        "hosttune_remote_profile": f"{tmp_path}/there/plan.toml",
        "ansible_connection": "local",
        "ansible_become": False,
        "ansible_python_interpreter": sys.executable,
        "ansible_remote_tmp": f"{tmp_path}/remote",
    }
    words = ["-i", f"{emitted}/inventory.yml", f"{emitted}/site.yml", "--limit", "lb-1", "-e", json.dumps(given)]
    said = run(tmp_path, "ansible-playbook", *words)
    profile = f"{tmp_path}/there/plan.toml"
    assert log.read_text().splitlines() == [
        f"apply --profile {profile} --yes --format json",
        "sources add --yes --format json 10.1.2.101-10.1.2.102",
        f"check --profile {profile} --format json",
    ]
    # two directories, two files, and the apply that said so
    assert "changed=5 " in said, said
    report = emitted.parent / "reports" / "lb-1.json"
    assert json.loads(report.read_text()) == {"schema": "x", "text": "{{ not a template }}"}
    assert Path(profile).read_text() == (emitted.parent / "profiles" / "lb-1.toml").read_text()
