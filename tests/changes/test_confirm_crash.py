"""Killed, or failed, at every step of an apply that waits, of its confirm and of its timer: old, new or healed."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from hosttune.errors import HosttuneError
from tests.changes import faults, waiting
from tests.changes.waiting import do_apply, do_confirm, do_expire, do_rollback, fresh, look

pytestmark = pytest.mark.slow

Look = dict[str, tuple[str, int]]


@dataclass(frozen=True)
class Scene:
    """Copies of a machine as it is before, while an apply waits, and once it is made; and how it looks then."""

    directory: Path
    old: Look
    trial: Look
    new: Look

    def steps(self, start: str, run: Callable[[Path, faults.Counting], int]) -> list[str]:
        disk = faults.Counting()
        assert run(fresh(self.directory / start, self.directory / "work"), disk) == 0
        return disk.steps

    def at(self, start: str) -> Path:
        return fresh(self.directory / start, self.directory / "work")


@pytest.fixture(autouse=True)
def quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """Keep what the commands print away."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    # thousands of fsync(2): in memory they take no time
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path_factory.mktemp("waiting")
    with tempfile.TemporaryDirectory(dir=memory) as directory:
        yield _scene(Path(directory))


def _scene(directory: Path) -> Scene:
    old = waiting.make(directory / "old")
    plain, trial = fresh(old, directory / "new"), fresh(old, directory / "trial")
    assert do_apply(plain, confirm_within="") == 0 and do_apply(trial) == 0
    late = fresh(trial, directory / "late")
    waiting.pass_time(late)
    found = Scene(directory, look(old), look(trial), look(plain))
    changed = {path for path in found.old | found.trial if found.old.get(path) != found.trial.get(path)}
    assert changed and all(path.startswith(("run/", "proc/sys/")) for path in changed)
    return found


def kills(names: list[str]) -> list[faults.Killed]:
    """Return a kill before each step, and one after the last: what is between two steps touches no disk."""
    return [*(faults.Killed(at) for at in range(len(names))), faults.Killed(len(names) - 1, after=True)]


def in_etc(seen: Look) -> Look:
    return {path: what for path, what in seen.items() if path.startswith("etc")}


def test_a_confirm_makes_what_a_plain_apply_makes(scene: Scene) -> None:
    work = scene.at("trial")
    assert do_confirm(work) == 0
    assert look(work) == scene.new
    assert do_rollback(work) == 0
    assert look(work) == scene.old


def test_an_apply_killed_at_every_step_is_taken_back_by_its_timer_or_a_reboot(scene: Scene) -> None:
    names = scene.steps("old", do_apply)
    assert len(names) > 25 and any(name.startswith("timer ") for name in names)
    first = next(at for at, name in enumerate(names) if "/var/lib" not in name)
    assert names[first].startswith("timer ")  # armed before the first write
    for kill in kills(names):
        work = scene.at("old")
        assert faults.killed(partial(do_apply, work, kill)), kill
        assert_between(look(work), scene.old, scene.trial)
        rebooted = fresh(work, scene.directory / "again")
        waiting.pass_time(work)
        assert do_expire(work) == 0
        waiting.reboot(rebooted, scene.directory / "old")
        for root in (work, rebooted):
            assert look(root) == scene.old, kill
            if waiting.record(root):
                do_rollback(root)
                assert waiting.record(root)["status"] in ("undone", "rolled-back"), kill
                assert look(root) == scene.old


def test_a_confirm_killed_at_every_step_is_old_or_new(scene: Scene) -> None:
    names = scene.steps("trial", do_confirm)
    assert len(names) > 25
    outcomes = set()
    for kill in kills(names):
        work = scene.at("trial")
        assert faults.killed(partial(do_confirm, work, kill)), kill
        assert_between(look(work), scene.trial, scene.new)
        status = waiting.record(work)["status"]
        again, rebooted = (fresh(work, scene.directory / name) for name in ("again", "rebooted"))
        waiting.pass_time(work)
        assert do_expire(work) == 0
        assert look(work) == (scene.new if status == "applied" else scene.old), kill
        # whoever tries again at once keeps it, or finds it taken back
        if attempt(do_confirm, again) == 0:
            assert look(again) == scene.new, kill
        else:
            attempt(do_rollback, again)
            assert look(again) == scene.old, kill
        waiting.reboot(rebooted, scene.directory / "old")
        if status == "applied":
            assert in_etc(look(rebooted)) == in_etc(scene.new)
        else:
            assert status == "confirming" or look(rebooted) == scene.old, kill
            attempt(do_rollback, rebooted)
            assert look(rebooted) == scene.old, kill
        outcomes.add(status)
    assert outcomes == {"unconfirmed", "confirming", "applied"}


@pytest.mark.parametrize("by", [do_expire, do_rollback])
def test_a_timer_killed_at_every_step_goes_on(scene: Scene, by: Callable[..., int]) -> None:
    names = scene.steps("late", do_expire)
    assert len(names) > 15
    for kill in kills(names):
        work = scene.at("late")
        assert faults.killed(partial(do_expire, work, kill)), kill
        assert_between(look(work), scene.trial, scene.old)
        attempt(by, work)
        assert look(work) == scene.old, kill
        assert waiting.record(work)["status"] == "rolled-back"
        assert waiting.record(work)["confirm"]["ended"] == "not confirmed in time"


def test_a_rollback_of_what_waits_killed_at_every_step_is_finished_by_the_timer(scene: Scene) -> None:
    names = scene.steps("trial", do_rollback)
    for kill in kills(names):
        work = scene.at("trial")
        assert faults.killed(partial(do_rollback, work, kill)), kill
        waiting.pass_time(work)
        assert do_expire(work) == 0
        assert look(work) == scene.old, kill


@pytest.mark.parametrize("lasting", [False, True])
def test_an_error_at_every_step_of_a_confirm_leaves_it_waiting_or_for_the_timer(scene: Scene, lasting: bool) -> None:
    names = scene.steps("trial", do_confirm)
    for at in range(0, len(names), 3 if lasting else 1):
        work = scene.at("trial")
        number = errno.EROFS if lasting else errno.ENOSPC
        code = attempt(do_confirm, work, faults.Failing(at, number, lasting))
        if not lasting and code:
            assert waiting.record(work)["status"] == "unconfirmed", names[at]
            assert look(work) == scene.trial, names[at]
        # a disk that fails once the last record is in place has the whole of it
        kept = waiting.record(work)["status"] == "applied"
        waiting.pass_time(work)
        assert do_expire(work) == 0
        assert look(work) == (scene.new if kept else scene.old), names[at]
        assert kept == (code == 0) or (lasting and at >= len(names) - 2), names[at]


@pytest.mark.parametrize("lasting", [False, True])
def test_an_error_at_every_step_of_an_apply_writes_nothing_or_is_taken_back(scene: Scene, lasting: bool) -> None:
    names = scene.steps("old", do_apply)
    for at in range(0, len(names), 4 if lasting else 2):
        work = scene.at("old")
        code = attempt(do_apply, work, faults.Failing(at, errno.ENOSPC, lasting))
        assert code in (1, 5), names[at]
        assert lasting or look(work) == scene.old, names[at]
        waiting.pass_time(work)
        assert do_expire(work) == 0
        assert look(work) == scene.old, names[at]


def attempt(run: Callable[..., int], root: Path, disk: faults.Counting | None = None) -> int:
    """Return the exit code, that of an error too, which is one line."""
    try:
        return run(root, disk)
    except HosttuneError as error:
        assert "\n" not in str(error)
        return error.exit_code


def assert_between(seen: Look, one: Look, other: Look) -> None:
    """Every file is that of the one state or the other, to the byte; only temporaries are beside them."""
    for path, what in seen.items():
        if not path.rpartition("/")[2].endswith(".hosttune-new"):
            assert what in (one.get(path), other.get(path)) or path.endswith(".d"), path
