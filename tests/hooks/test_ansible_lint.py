"""What Ansible's own tools say of the collection: ansible-galaxy, ansible-lint, ansible-test."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import hosttune
from hosttune.hooks import ansible
from tests import needs
from tests.planning.deploy.test_ansible import program
from tests.vm.guest import REPO

pytestmark = pytest.mark.slow

# ansible-test makes environments without pip and fetches a script that installs it from a server of Ansible's;
# what it keeps under this name it does not fetch. Python has a pip of its own
GET_PIP = "import ensurepip\nensurepip.bootstrap()\n"
_NO_INDEX = re.compile("Could not fetch URL|No matching distribution found")
SKIPPED = {
    "compile": "a Python that is not on this machine",
    "import": "a Python that is not on this machine",
    "pslint": "PowerShell, of which there is none in the collection",
    "shellcheck": "shell scripts, of which there is none in the collection",
}
"""Tests of ansible-test that may be skipped, and what they would need."""


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """The collection's own directory, as the verb writes it."""
    command = [sys.executable, "-m", "hosttune", "hook", "ansible", "-o", str(tmp_path / "out")]
    subprocess.run(command, cwd=REPO, check=True, capture_output=True)
    return tmp_path / "out" / ansible.TREE


def run(where: Path, home: Path, name: str, *words: str, timeout: float = 120) -> str:
    """Run one of Ansible's programs in a directory; it must end with 0."""
    path = os.pathsep.join([str(Path(program(name)).parent), "/usr/bin", "/bin"])
    environment = {
        "PATH": path,
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(where.parents[2]),
        "ANSIBLE_NOCOLOR": "1",
        **({"PIP_INDEX_URL": os.environ["PIP_INDEX_URL"]} if "PIP_INDEX_URL" in os.environ else {}),
    }
    done = subprocess.run(
        [program(name), *words],
        cwd=where,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    said = done.stdout + done.stderr
    if done.returncode and name == "ansible-test" and _NO_INDEX.search(said):
        needs.missing("ansible-test installs packages of its own, and no index of them is reached")
    assert done.returncode == 0, said
    return said


def test_galaxy_builds_and_installs_it(collection: Path, tmp_path: Path) -> None:
    run(collection, tmp_path, "ansible-galaxy", "collection", "build", "--output-path", str(tmp_path))
    tarball = tmp_path / f"hosttune-hosttune-{ansible.semantic(hosttune.__version__)}.tar.gz"
    with tarfile.open(tarball) as tar:
        names = {member.name for member in tar if member.isfile()}
    assert names == {
        *(p.removeprefix(f"{ansible.TREE}/") for p in ansible.files("1.0.0")),
        "MANIFEST.json",
        "FILES.json",
    } - {"galaxy.yml"}
    there = tmp_path / "there"
    run(tmp_path, tmp_path, "ansible-galaxy", "collection", "install", str(tarball), "-p", str(there), "--offline")
    installed = there / ansible.TREE / "plugins/modules/hosttune.py"
    assert installed.read_text() == (collection / "plugins/modules/hosttune.py").read_text()


def test_ansible_lint_has_nothing_to_say(collection: Path, tmp_path: Path) -> None:
    # the collection lies nowhere on the network yet: galaxy.yml can name no repository
    skipped = "galaxy[no-repository]"
    environment = tmp_path / "home"
    environment.mkdir()
    said = run(collection, environment, "ansible-lint", "--offline", "--profile", "production", "--skip-list", skipped)
    assert re.search(r"Passed: 0 failure\(s\), 0 warning\(s\)", said), said
    assert "'production' profile" in said or "production" in said


def test_ansible_test_finds_it_sane(collection: Path, tmp_path: Path) -> None:
    cache = tmp_path / ".ansible/test/cache"
    cache.mkdir(parents=True)
    core = importlib.util.find_spec("ansible_test")
    assert core is not None and core.origin is not None
    pinned = Path(core.origin).with_name("_internal") / "python_requirements.py"
    versions = re.findall(r"""\bpip=["']([0-9.]+)["']""", pinned.read_text())
    assert versions, "ansible-test names its pip elsewhere"
    for version in versions:
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP)
    said = run(collection, tmp_path, "ansible-test", "sanity", "--venv", "--color", "no", timeout=400)
    skipped = set(re.findall(r'Skipping sanity test "([^"]+)"', said))
    assert skipped <= set(SKIPPED), said
    ran = set(re.findall(r'Running sanity test "([^"]+)"', said))
    assert {"validate-modules", "ansible-doc", "import", "pylint", "pep8", "yamllint", "compile", "ignores"} <= ran, (
        said
    )
    shutil.rmtree(tmp_path / ".ansible")
