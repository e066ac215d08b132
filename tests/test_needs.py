"""What a test lacks is said with its reason, fails under CI, and the last line of a run names what would run it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import needs
from tests.vm import ahead

REPO = Path(__file__).resolve().parents[1]
REASONS = [
    "takes root; ip, ss: not installed (apt-get install iproute2)",
    "gcc: not installed (apt-get install gcc libc6-dev)",
    "takes root",
    "why not",
]


def test_the_last_line_names_packages_and_root() -> None:
    said = "To run the 3 tests that were skipped: apt-get install gcc iproute2 libc6-dev, and run it as root"
    assert needs.closing(REASONS) == said
    assert needs.closing(REASONS[1:2]) == "To run the test that was skipped: apt-get install gcc libc6-dev"
    assert needs.closing(["takes root"]) == "To run the test that was skipped: run it as root"
    assert needs.closing(["why not"]) == needs.closing([]) == ""


@pytest.mark.slow
def test_all_that_is_missing_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "")
    monkeypatch.setattr(needs, "where", lambda program: "")
    with pytest.raises(pytest.skip.Exception) as skipped:
        needs.need("ip", "gcc", "no-such-program")
    assert str(skipped.value) == "ip, gcc, no-such-program: not installed (apt-get install gcc iproute2 libc6-dev)"
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="not installed"):
        needs.need("ip")
    monkeypatch.setattr(needs, "where", lambda program: program)
    needs.need("ip")


@pytest.mark.slow
def test_every_package_is_the_one_that_has_the_program() -> None:
    if not shutil.which("dpkg-query"):
        needs.missing("dpkg-query: not installed")
    wrong = []
    for program, packages in needs.PACKAGES.items():
        path = shutil.which(program) if not program.startswith("/") else needs.where(program)
        if not path or path.startswith((str(REPO), "/usr/local/")):
            continue  # not here, or not by a package
        # a directory may be a link to another since the merge of /usr
        names = {path, os.path.realpath(path), path.removeprefix("/usr"), os.path.realpath(path).removeprefix("/usr")}
        done = subprocess.run(["dpkg-query", "-S", *names], capture_output=True, text=True, check=False)
        owners = {line.partition(":")[0] for line in done.stdout.splitlines()}
        if owners and not any(owner.startswith(one) for owner in owners for one in packages.split()):
            wrong.append(f"{program}: {', '.join(owners)}, not {packages}")
    assert not wrong


@pytest.mark.slow
def test_a_run_ends_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "from tests import needs\n\n\ndef test_one():\n    needs.missing('ip: not installed', 'iproute2')\n"
    )
    (tmp_path / "conftest.py").write_text((REPO / "tests/conftest.py").read_text())
    command = [sys.executable, "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider", str(tmp_path)]
    environment = {**ahead.apart(), "PYTHONPATH": str(REPO), "CI": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ip: not installed (apt-get install iproute2)" in done.stdout
    assert done.stdout.rstrip().endswith("To run the test that was skipped: apt-get install iproute2")
    again = subprocess.run(
        command, cwd=tmp_path, env={**environment, "CI": "true"}, capture_output=True, text=True, check=False
    )
    assert again.returncode == 1 and "To run" not in again.stdout
