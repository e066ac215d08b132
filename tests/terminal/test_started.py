"""How commands are printed to whoever reads them, by how the program was started and what is on PATH."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(ROOT)!r})
from hosttune.terminal import started
print(started.spelling().of("sudo hosttune apply; hosttune check"))
"""


def program(path: Path, mode: int = 0o755, text: str = SCRIPT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def said(*command: str | Path, path: str = "/usr/bin:/bin", cwd: Path | None = None) -> str:
    env = {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([*map(str, command)], env=env, cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def sudo(tmp_path: Path) -> str:
    """Return a PATH with a sudo of its own, that is never run."""
    return str(program(tmp_path / "sudo/sudo", text="#!/bin/sh\nexit 1\n").parent)


def _of_root(mine: str) -> str:
    """Return what root is told, or a user without sudo."""
    return mine if os.geteuid() == 0 else f"{mine}  # as root"


def test_a_program_that_is_not_on_path_is_named_by_its_own(tmp_path: Path) -> None:
    own = program(tmp_path / "venv/bin/hosttune")
    assert said(own, path=str(tmp_path)) == _of_root(f"{own} apply; {own} check")


def test_another_program_of_that_name_is_not_taken_for_it(tmp_path: Path) -> None:
    own, other = program(tmp_path / "venv/bin/hosttune"), program(tmp_path / "other/hosttune")
    assert str(own) in said(own, path=str(other.parent))


def test_its_name_is_enough_where_path_leads_to_it(tmp_path: Path) -> None:
    own = program(tmp_path / "venv/bin/hosttune")
    assert said(own, path=str(own.parent)) == _of_root("hosttune apply; hosttune check")


def test_a_directory_is_no_program(tmp_path: Path) -> None:
    own = program(tmp_path / "venv/bin/hosttune")
    (tmp_path / "here/hosttune").mkdir(parents=True)
    assert str(own) in said(own, path=str(tmp_path / "here"), cwd=tmp_path / "here")


def test_one_file_is_named_as_it_was_called(tmp_path: Path) -> None:
    program(tmp_path / "hosttune.pyz")
    assert "./hosttune.pyz check" in said("./hosttune.pyz", cwd=tmp_path)
    plain = program(tmp_path / "plain.pyz", mode=0o644)
    assert f"{sys.executable} plain.pyz check" in said(sys.executable, plain.name, cwd=tmp_path)


def test_a_module_is_named_with_its_python(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hosttune", "explain", "no.such.key.at.all"],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "`hosttune" not in done.stderr


def test_a_user_with_sudo_is_told_the_whole_path(tmp_path: Path, sudo: str) -> None:
    own = program(tmp_path / "venv/bin/hosttune", text=SCRIPT.replace("spelling()", "spelling(root=False)"))
    assert said(own, path=f"{own.parent}:{sudo}") == f"sudo {own} apply; hosttune check"


def test_a_user_without_sudo_is_told_what_needs_root(tmp_path: Path) -> None:
    own = program(tmp_path / "venv/bin/hosttune", text=SCRIPT.replace("spelling()", "spelling(root=False)"))
    assert said(own, path=str(own.parent)) == "hosttune apply; hosttune check  # as root"
