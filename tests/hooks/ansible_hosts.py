"""Two hosts that Ansible reaches by ssh; test_ansible_hosts.py says what must hold.

They have hosttune: how the role installs it is seen on this machine, where it takes seconds (test_ansible_role.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.planning.deploy.test_ansible import program
from tests.vm.guest import NETWORK, REPO, Guest, hooks_root, key_of, stable_sysctls

NAMES = ("lb-1", "lb-2")
PROFILE = """\
[profile]
name = "edge"
title = "The edge of this deployment"
extends = ["lb"]

[workload]
connections = 600000
"""
STATE = """\
sysctl -a 2>/dev/null; cd /etc && find . -path ./hosttune -prune -o -type f -print0 | sort -z | xargs -0 sha256sum
"""


def scenes(directory: Path) -> dict[str, Any]:
    """Look, apply, apply again, take back; what each run said, and how the hosts were."""
    collection = directory / "collections"
    hosttune("hook", "ansible", "-o", str(collection))
    guests = []
    for name in NAMES:
        (directory / name).mkdir()
        guests.append(Guest(directory / name, NETWORK | {"/etc/hostname": f"{name}\n"}, hooks_root()))
    key = directory / "key"
    key.write_bytes(key_of(guests[0]).read_bytes())
    key.chmod(0o600)
    with contextlib.ExitStack() as stack, ThreadPoolExecutor() as pool:
        # at once: each takes its time to boot
        ports = list(pool.map(lambda guest: stack.enter_context(guest.served(timeout=240)), guests))
        return Hosts(directory, collection, key, dict(zip(NAMES, ports, strict=True))).played()


def hosttune(*words: str) -> str:
    """Run the hosttune of this checkout and return what it printed."""
    command = [sys.executable, "-m", "hosttune", *words]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True).stdout


class Hosts:
    """Hosts by name and the port of their ssh server, and the controller's side of them."""

    def __init__(self, directory: Path, collection: Path, key: Path, ports: dict[str, int]) -> None:
        self.directory, self.key, self.ports = directory, key, ports
        self.environment = {
            **os.environ,
            "ANSIBLE_HOME": str(directory / "home"),
            "ANSIBLE_REMOTE_TMP": str(directory / "remote"),
            "ANSIBLE_COLLECTIONS_PATH": str(collection),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOST_KEY_CHECKING": "0",
            "PWD": str(directory),
        }
        (directory / "edge.toml").write_text(PROFILE)
        (directory / "rollback.yml").write_text(ROLLBACK)
        common = {
            "ansible_host": "127.0.0.1",
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(key),
            "ansible_ssh_common_args": "-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
            "ansible_python_interpreter": "/usr/bin/python3",
            "hosttune_profile": "edge.toml",
            "hosttune_reserve_listeners": True,
            "hosttune_install": False,
        }
        hosts: dict[str, dict[str, Any]] = {name: {"ansible_port": port} for name, port in ports.items()}
        (directory / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": common}}))

    def played(self) -> dict[str, Any]:
        """Return what each step came to."""
        before = self.states()
        found: dict[str, Any] = {"dry": self.play("hosttune.hosttune.tune", "--check", "--diff")}
        found["untouched"] = self.other_than(before)
        found["applied"] = self.play("hosttune.hosttune.tune")
        found["nr_open"] = {name: self.shell(name, "cat /proc/sys/fs/nr_open") for name in self.ports}
        found["again"] = self.play("hosttune.hosttune.tune")
        found["rolled-back"] = self.play("rollback.yml")
        found["back"] = self.other_than(before)
        return found

    def states(self) -> dict[str, set[str]]:
        """Return the sysctls and the sums of all files of /etc, of each host; not what changes by itself."""
        with ThreadPoolExecutor() as pool:
            texts = pool.map(lambda name: self.shell(name, STATE), self.ports)
            return {
                name: {f"{key} = {value}" for key, value in stable_sysctls(text).items()}
                | {line for line in text.splitlines() if " = " not in line}
                for name, text in zip(self.ports, texts, strict=True)
            }

    def other_than(self, before: dict[str, set[str]]) -> dict[str, list[str]]:
        """Return the lines that are other ones than before, of each host."""
        return {name: sorted(lines ^ before[name]) for name, lines in self.states().items()}

    def shell(self, name: str, script: str) -> str:
        """Run a script on a host and return what it printed."""
        command = ["ssh", "-i", str(self.key), "-p", str(self.ports[name]), "-o", "StrictHostKeyChecking=no"]
        command += ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "root@127.0.0.1", script]
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=300
        ).stdout.decode()

    def play(self, playbook: str, *words: str) -> dict[str, Any]:
        """Run a playbook; what it said, its exit code, and the counts of its recap by host."""
        command = [program("ansible-playbook"), "-i", "hosts.json", playbook, *words]
        done = subprocess.run(
            command, cwd=self.directory, env=self.environment, capture_output=True, text=True, check=False, timeout=600
        )
        recap = {
            name: {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", counts)}
            for name, counts in re.findall(r"^(\S+) +: (ok=.*)$", done.stdout, re.MULTILINE)
        }
        return {"code": done.returncode, "said": done.stdout + done.stderr, "recap": recap}


ROLLBACK = """\
- hosts: all
  gather_facts: false
  tasks:
    - hosttune.hosttune.hosttune:
        state: rolled_back
"""
