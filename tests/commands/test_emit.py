"""An emission is there whole or not at all, replaces an earlier one, and touches nothing of anybody else's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hosttune import registry
from hosttune.errors import UsageError
from hosttune.terminal import file_tree
from hosttune.workflows import emitting
from tests.netns.sandbox import ROOT
from tests.planning.deploy import deployed

SMALL = deployed.deploy(deployed.small())
OTHER = deployed.deploy(deployed.replaced(deployed.small(), "broker", hosts=1))


def tree(directory: Path) -> dict[str, str]:
    return {str(p.relative_to(directory)): p.read_text() for p in sorted(directory.rglob("*")) if p.is_file()}


def beside(directory: Path) -> list[str]:
    return sorted(p.name for p in directory.parent.iterdir())


def test_everything_is_written_with_a_manifest_and_nothing_beside(tmp_path: Path) -> None:
    target = tmp_path / "out"
    written = deployed.write(SMALL, str(target))
    found = tree(target)
    manifest = json.loads(found.pop(file_tree.MANIFEST))
    assert found == emitting.texts(SMALL) and tuple(sorted(found)) == written
    assert set(manifest["files"]) == set(found)
    assert beside(target) == ["out"]


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    deployed.write(SMALL, str(tmp_path / "made"))
    assert (tmp_path / "made" / "README.md").exists()


def test_a_second_emission_replaces_the_first_and_keeps_the_reports(tmp_path: Path) -> None:
    target = tmp_path / "out"
    deployed.write(SMALL, str(target))
    (target / "reports").mkdir()
    (target / "reports" / "lb-1.json").write_text("{}")
    assert (target / "hosts" / "broker-2").exists()
    deployed.write(OTHER, str(target))
    assert not (target / "hosts" / "broker-2").exists()
    assert (target / "reports" / "lb-1.json").read_text() == "{}"
    assert beside(target) == ["out"]


def spoil(target: Path, how: str) -> None:
    if how == "foreign":
        (target / "hosts" / "mine.txt").write_text("mine")
    elif how == "changed":
        (target / "README.md").write_text("mine")
    elif how == "link":
        (target / "README.md").unlink()
        (target / "README.md").symlink_to("/etc/hostname")
    elif how == "pipe":
        (target / "README.md").unlink()
        os.mkfifo(target / "README.md")
    elif how == "linked directory":
        (target / "more").symlink_to("/etc")
    elif how == "linked reports":
        (target / "reports").symlink_to("/etc")
    elif how == "no manifest":
        (target / file_tree.MANIFEST).unlink()
    elif how == "broken manifest":
        (target / file_tree.MANIFEST).write_text("[" * 100_000)


@pytest.mark.parametrize(
    "how",
    ["foreign", "changed", "link", "pipe", "linked directory", "linked reports", "no manifest", "broken manifest"],
)
def test_what_is_anybody_elses_stays_and_is_named(how: str, tmp_path: Path) -> None:
    target = tmp_path / "out"
    deployed.write(SMALL, str(target))
    spoil(target, how)
    before = sorted(str(p) for p in tmp_path.rglob("*"))
    with pytest.raises(UsageError) as caught:
        deployed.write(OTHER, str(target))
    assert "\n" not in str(caught.value) and str(caught.value).startswith(f"--emit {target}: ")
    assert sorted(str(p) for p in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("text", ["", "/", "a\0b", "missing/out"])
def test_what_can_be_no_directory_is_refused(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        deployed.write(SMALL, text)
    assert not list(tmp_path.iterdir())


def test_a_link_and_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "link"):
        with pytest.raises(UsageError):
            deployed.write(SMALL, str(tmp_path / name))
    assert beside(tmp_path / "x") == ["file", "link"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "out"
    deployed.write(SMALL, str(target))
    before = tree(target)
    code = """
import resource, sys
from tests.commands.test_emit import OTHER, deployed, file_tree
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # a write beyond is EFBIG
try:
    deployed.write(OTHER, sys.argv[1])
except file_tree.ApplyError as error:
    print(error)
"""
    # -B: below the limit Python would leave a torn .pyc where every later run looks for a whole one
    command = [sys.executable, "-B", "-c", code, str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"--emit {target}: File too large; nothing was changed there"), done.stdout
    assert tree(target) == before and beside(target) == ["out"]


@pytest.mark.parametrize("at", ["between the renames", "before the old one is removed"])
def test_an_interrupted_run_is_healed_by_the_next(at: str, tmp_path: Path) -> None:
    target, old = tmp_path / "out", tmp_path / ".out.hosttune-old"
    deployed.write(SMALL, str(target))
    (target / "reports").mkdir()
    (target / "reports" / "lb-1.json").write_text("{}")
    target.rename(old)
    if at == "before the old one is removed":
        deployed.write(SMALL, str(tmp_path / "again"))
        (tmp_path / "again").rename(target)
    (tmp_path / ".out.hosttune-new").mkdir()
    deployed.write(OTHER, str(target))
    assert {k: v for k, v in tree(target).items() if k != file_tree.MANIFEST} == {
        **emitting.texts(OTHER),
        "reports/lb-1.json": "{}",
    }
    assert beside(target) == ["out"]


def test_every_format_is_found_by_its_file() -> None:
    assert {"profiles", "ansible", "readme"} <= set(registry.names("hosttune.planning.deploy.formats"))
    assert {"haproxy", "nginx", "envoy", "tsung", "mosquitto"} <= set(registry.names("hosttune.programs.shelves"))
    assert not any(".." in path or path.startswith("/") for path in emitting.texts(SMALL))
