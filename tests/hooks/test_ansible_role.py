"""The role and the playbooks on this machine: installed below a directory of the test, and nothing is applied."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hooks.ansible_hosts import hosttune
from tests.planning.deploy.test_ansible import program
from tests.vm.guest import REPO

pytestmark = pytest.mark.slow

PYZ = "#!/bin/sh\necho hosttune 0.0.{}\n"
REPORT = {
    "schema": "hosttune/report/1",
    "findings": [],
    "bounds": [],
    "pools": [],
    "workload": {},
    "roles": ["lb"],
    "where": {"site": "host"},
    "fix": [],
    "warnings": ["{{ not a template }}", "\u2028 ' \" \\"],
}


def wheels_in(directory: Path) -> Path:
    """Build the wheel of this checkout beside the wheels that it needs; return its path."""
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-cache-dir", "-w", str(directory), str(REPO)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return next(directory.glob("hosttune-*.whl"))


class Controller:
    """Playbooks of the collection on one host, which is this machine under a name that no file may have."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        hosttune("hook", "ansible", "-o", str(directory / "collections"))
        self.home, self.command = directory / "opt", directory / "bin/hosttune"
        self.command.parent.mkdir()
        hosts = {"edge/1": {"ansible_connection": "local"}}
        common = {
            "ansible_become": False,
            "ansible_python_interpreter": sys.executable,
            "hosttune_home": str(self.home),
            "hosttune_command": str(self.command),
            "hosttune_python": sys.executable,
        }
        (directory / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": common}}))

    def play(self, playbook: str, *words: str, **given: Any) -> tuple[int, int, str]:
        """Run a playbook of the collection; exit code, how much it changed, what it said."""
        command = [program("ansible-playbook"), "-i", "hosts.json", f"hosttune.hosttune.{playbook}", *words]
        environment = {
            **os.environ,
            "ANSIBLE_HOME": str(self.directory / "home"),
            "ANSIBLE_REMOTE_TMP": str(self.directory / "remote"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.directory / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",
            "PWD": str(self.directory),
        }
        done = subprocess.run(
            [*command, "-e", json.dumps(given)], cwd=self.directory, env=environment, capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip
        changed = re.search(r"changed=(\d+)", done.stdout)
        return done.returncode, int(changed[1]) if changed else -1, done.stdout + done.stderr

    def version(self) -> str:
        return subprocess.run([self.command, "--version"], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    program("ansible-playbook")
    return Controller(tmp_path)


def test_a_program_is_installed_once_and_anew_where_it_is_another(controller: Controller) -> None:
    source = controller.directory / "hosttune.pyz"
    source.write_text(PYZ.format(1))
    # found where ansible-playbook was started
    code, changed, said = controller.play("tune", "--check", hosttune_source="hosttune.pyz")
    assert (code, changed) == (0, 1) and "hosttune would be installed; what an apply" in said, said
    assert not controller.home.exists() and not controller.command.exists()
    code, changed, said = controller.play("tune", hosttune_source="hosttune.pyz")
    assert code == 0 and changed > 0 and controller.version() == "hosttune 0.0.1", said
    assert controller.play("tune", hosttune_source="hosttune.pyz")[:2] == (0, 0)
    source.write_text(PYZ.format(2))
    assert controller.play("tune", hosttune_source="hosttune.pyz")[0] == 0
    assert controller.version() == "hosttune 0.0.2"
    # one that does not run is no installation, and is not written down as one
    source.write_text("#!/bin/sh\nexit 3\n")
    code, _, said = controller.play("tune", hosttune_source="hosttune.pyz")
    assert code == 2 and "Start it once" in said
    assert not (controller.home / "installed-from").exists()


def test_an_index_gives_the_version_of_the_collection(controller: Controller) -> None:
    wheels = wheels_in(controller.directory / "wheels").parent
    pip = ["--no-index", f"--find-links={wheels}", "--no-compile"]
    code, _, said = controller.play("tune", hosttune_pip_args=pip, hosttune_unchecked=True)
    assert code == 0, said
    assert controller.command.resolve() == controller.home / "bin/hosttune"
    assert controller.version() == hosttune("--version").strip()
    # and its report is one that a plan reads
    code, _, said = controller.play("reports", hosttune_roles=["lb"], hosttune_connections=1000)
    assert code == 0, said
    topology = controller.directory / "topology.toml"
    topology.write_text(hosttune("plan", "--example"))
    command = [controller.command, "plan", str(topology), "--reports", str(controller.directory / "reports")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1) and "1 report read" in " ".join(done.stdout.split()), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"hosttune_source": ""}, "hosttune_source: not set; name a .whl or a .pyz"),
        ({"hosttune_source": "https://files.example/hosttune.pyz"}, "hosttune_checksum: not set; name the sum"),
        ({"hosttune_source": "nosuch.whl"}, "hosttune_source: nosuch.whl: no such file on the controller"),
        ({"hosttune_source": "hosts.json"}, "hosttune_source: hosts.json: neither a .whl nor a .pyz"),
        ({"hosttune_profile": "nosuch.toml"}, "hosttune_profile: nosuch.toml: no such file on the controller"),
        ({"hosttune_fail_on": "never"}, "value of hosttune_fail_on must be one of"),
    ],
)
def test_what_is_wrong_fails_before_anything_is_done(controller: Controller, given: dict[str, Any], said: str) -> None:
    code, changed, told = controller.play("tune", **given)
    assert (code, changed) == (2, 0) and said in told, told
    assert not controller.home.exists()


def test_a_report_is_kept_as_it_is(controller: Controller) -> None:
    stub = f"#!/bin/sh\ncat <<'END'\n{json.dumps(REPORT)}\nEND\nexit 1\n"
    controller.command.write_text(stub)
    controller.command.chmod(0o755)
    code, _, said = controller.play("reports", hosttune_reports="gathered")
    assert code == 0, said
    kept = list((controller.directory / "gathered").iterdir())
    assert [path.name for path in kept] == ["edge_1.json"]
    assert json.loads(kept[0].read_text()) == REPORT
    # a host that does not answer leaves no report, and is no success
    controller.command.unlink()
    code, _, said = controller.play("reports", hosttune_reports="none")
    assert code == 2 and "no such program on this host" in said
    assert not (controller.directory / "none").exists()
