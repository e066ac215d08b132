"""Killed, or failed, at every single write of an apply and a rollback: the old state, the new one, or one to heal."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hosttune.errors import HosttuneError
from tests.changes import acts, faults, tree

pytestmark = pytest.mark.slow

Look = dict[str, tuple[str, int]]

OLD_DROP_IN = "# Written by hosttune; of an earlier release\r\n# why\r\n"
"""A file of ours that is replaced, not made: its bytes, mode and line ends have to come back."""


@pytest.fixture(autouse=True)
def quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """Keep what the commands print away."""


@pytest.fixture
def scene(tmp_path: Path) -> tuple[Path, Look, Look]:
    """Return a machine, and how it looks before and after an apply."""
    root = tree.make(tmp_path / "old", {"/etc/sysctl.d/90-hosttune.conf": OLD_DROP_IN})
    (root / "etc/sysctl.d/90-hosttune.conf").chmod(0o640)
    old = tree.look(root)
    shutil.copytree(root, tmp_path / "new", symlinks=True)
    assert do_apply(tmp_path / "new") == 0
    new = tree.look(tmp_path / "new")
    assert new != old and new["etc/sysctl.d/90-hosttune.conf"][1] == 0o640
    assert "tcp_tw_reuse = 1\r\n" in new["etc/sysctl.d/90-hosttune.conf"][0]
    return tmp_path, old, new


def do_apply(root: Path, disk: faults.Counting | None = None) -> int:
    return acts.apply(tree.Host(root, disk), tree.asked(user=["root", "alice"], profile=[str(profile(root))]))


def do_rollback(root: Path, disk: faults.Counting | None = None) -> int:
    return acts.rollback(tree.Host(root, disk), tree.back())


def profile(root: Path) -> Path:
    """Return a profile that asks for logins, and for systemd's default, too."""
    path = root.parent / "mine.toml"
    rows = "".join(
        f'[[require]]\nsubject = "nofile:{name}"\noperator = "at_least"\nvalue = [65536, 65536]\n'
        'why = "many files"\nsource = "test"\n'
        for name in ("login", "manager")
    )
    path.write_text(f'[profile]\nname = "mine"\ntitle = "mine"\n{rows}')
    return path


def steps(start: Path, run: Callable[[Path, faults.Counting], int], work: Path) -> list[str]:
    disk = faults.Counting()
    fresh(start, work)
    assert run(work, disk) == 0
    return disk.steps


def fresh(start: Path, work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(start, work, symlinks=True)


def assert_whole(seen: Look, old: Look, new: Look) -> None:
    """Every file holds what it held before or what it shall hold, to the byte; only temporaries are beside them."""
    for path, what in seen.items():
        if not path.rpartition("/")[2].endswith(".hosttune-new"):
            # a directory is made with the umask first
            assert what in (old.get(path), new.get(path)) or path.endswith(".d"), path
    for path in old:
        assert path in seen, f"{path} is lost"


def heal(work: Path, old: Look, new: Look) -> None:
    """The next runs bring the old state back, whatever has happened, and say so."""
    record = work / tree.JOURNAL / "000001.json"
    for _ in range(2):
        if record.exists() and json.loads(record.read_text())["status"] not in ("undone", "rolled-back"):
            do_rollback(work)
    assert tree.look(work) == old


CASES = {"apply": ("old", do_apply), "rollback": ("new", do_rollback)}


@pytest.mark.parametrize("verb", CASES)
def test_killed_before_and_after_every_write(scene: tuple[Path, Look, Look], verb: str) -> None:
    directory, old, new = scene
    start, run = directory / CASES[verb][0], CASES[verb][1]
    work = directory / "work"
    count = len(steps(start, run, work))
    assert count > 25  # else the scene has lost its writes
    for at in range(count):
        for after in (False, True):
            fresh(start, work)
            assert faults.killed(lambda at=at, after=after: run(work, faults.Killed(at, after))), at  # type: ignore[misc]
            assert_whole(tree.look(work), old, new)
            heal(work, old, new)


@pytest.mark.parametrize("number", faults.ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("verb", CASES)
def test_an_error_at_every_write_leaves_the_old_state_or_one_to_heal(
    scene: tuple[Path, Look, Look], verb: str, number: int
) -> None:
    directory, old, new = scene
    start, run = directory / CASES[verb][0], CASES[verb][1]
    work = directory / "work"
    names = steps(start, run, work)
    # the same code meets them all: two at every write, the others at each third
    stride = 1 if number in (errno.ENOSPC, errno.EINVAL) else 3
    for at in range(0, len(names), stride):
        for lasting in (False, True):
            fresh(start, work)
            try:
                code = run(work, faults.Failing(at, number, lasting))
            except HosttuneError as error:
                code = error.exit_code
                assert "\n" not in str(error)
            seen = tree.look(work)
            assert_whole(seen, old, new)
            if verb == "apply":
                assert code in (1, 5), names[at]
                assert lasting or seen == old, names[at]
            heal(work, old, new)
