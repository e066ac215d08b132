"""What a person at a terminal is asked, and what becomes of each answer."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.changes import acts, tree
from tests.verbs import hosttune

pytestmark = pytest.mark.slow  # verb after verb, each on a machine of its own

COMMAND = [sys.executable, "-m", "hosttune"]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Return a tree without a kernel."""
    return tree.unbooted(tmp_path)


def at_a_terminal(keys: str, *args: str) -> tuple[int, str]:
    """Run a verb at a terminal of its own, press keys once it asks; return the exit code and what is to be seen."""
    ours, theirs = os.openpty()

    def terminal() -> None:
        os.setsid()
        fcntl.ioctl(0, 0x540E, 0)  # TIOCSCTTY: Ctrl-C shall reach it

    process = subprocess.Popen([*COMMAND, *args], stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=terminal)
    os.close(theirs)
    seen = b""
    pressed = False
    while True:
        try:
            got = os.read(ours, 4096)
        except OSError:
            break  # EIO: the other end has gone
        if not got:
            break
        seen += got
        if b"[y/N]" in seen and not pressed:
            pressed = True
            time.sleep(0.1)  # the question is out before it is waited for
            os.write(ours, keys.encode())
    os.close(ours)
    return process.wait(timeout=60), seen.decode().replace("\r\n", "\n")


ANSWERS = {"no": ("n\n", 5), "nothing": ("\n", 5), "Ctrl-D": ("\x04", 5), "Ctrl-C": ("\x03", 130)}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("verb", ["apply", "rollback"])
def test_whatever_is_no_yes_changes_nothing_and_says_so(image: Path, verb: str, answer: str) -> None:
    args = ["apply", "--role", "lb", "--root", str(image)]
    if verb == "rollback":
        assert hosttune(*args, "--yes").returncode == 0
        args = ["rollback", "--root", str(image)]
    old = tree.look(image)
    keys, code = ANSWERS[answer]
    got, seen = at_a_terminal(keys, *args)
    assert got == code, seen
    assert seen.rstrip().endswith("hosttune: nothing was changed"), seen
    assert seen.count("hosttune: ") == 1
    assert tree.look(image) == old


def test_a_rollback_names_the_apply_shows_it_once_and_says_that_it_is_done(image: Path) -> None:
    old = tree.look(image)
    assert hosttune("apply", "--profile", tree.LB, "--root", str(image), "--yes").returncode == 0
    code, seen = at_a_terminal("y\n", "rollback", "--root", str(image))
    assert code == 0, seen
    asked = re.search(r"Undo apply 1 \(\d{4}-\d\d-\d\d \d\d:\d\d UTC, role lb\)\? \[y/N\]", seen)
    assert asked, seen
    assert seen.count("-net.ipv4.tcp_tw_reuse = 1") == 1
    assert seen.rstrip().endswith("Apply 1 is undone.")
    assert tree.look(image) == old
    code, seen = at_a_terminal("y\n", "rollback", "--root", str(image))
    assert (code, seen.strip()) == (0, "Nothing to undo: no apply is in force.")


@pytest.mark.parametrize("args", [["apply", "--role", "lb"], ["rollback"]])
def test_a_program_is_not_asked(image: Path, args: list[str]) -> None:
    if args == ["rollback"]:
        assert hosttune("apply", "--profile", tree.LB, "--root", str(image), "--yes").returncode == 0
    code, seen = at_a_terminal("y\n", *args, "--root", str(image), "--format", "json")
    assert code == 2 and "[y/N]" not in seen and seen.count("\n") == 1
    done = hosttune(*args, "--root", str(image), "--format", "json")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_a_closed_standard_input_is_nobody_to_ask(image: Path) -> None:
    for verb in ("apply --role lb", "rollback"):
        if verb == "rollback":
            assert hosttune("apply", "--profile", tree.LB, "--root", str(image), "--yes").returncode == 0
        shell = f'"$0" -m hosttune {verb} --root "$1" <&-'
        done = subprocess.run(
            ["sh", "-c", shell, sys.executable, str(image)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "--yes" in done.stderr


def test_a_wait_for_another_run_is_said(tmp_path: Path) -> None:
    root = tree.make(tmp_path / "host")
    (root / tree.JOURNAL).mkdir(parents=True)
    fd = os.open(root / tree.JOURNAL / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(fd, fcntl.LOCK_EX)
    command = [*COMMAND, "apply", "--role", "lb", "--root", str(root), "--yes"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        first = process.stderr.readline()  # however long it takes to come that far
        os.close(fd)
        rest = process.stderr.read()
    assert (process.returncode, (first + rest).count("waiting for it")) == (0, 1), first + rest
    assert "waiting" not in hosttune("rollback", "--root", str(root), "--yes").stderr


def test_each_reason_for_nothing_to_take_back_is_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tree.make(tmp_path / "host")
    args = ["rollback", "--root", str(root), "--yes"]
    assert hosttune(*args).stdout.strip() == "Nothing to undo: no apply is recorded here."
    for more in ([], ["--dry-run"]):
        assert hosttune(*args, *more, "99").returncode == 2
    for connections in ("1000000", "2000000"):
        assert (
            hosttune("apply", "--role", "lb", "--connections", connections, "--root", str(root), "--yes").returncode
            == 0
        )
    assert hosttune(*args, "1").returncode == 0
    for more in ([], ["--dry-run"]):
        again = hosttune(*args, *more, "1")
        assert (again.returncode, again.stdout.strip()) == (0, "Nothing to undo: apply 1 is rolled back already.")
        assert hosttune(*args, *more, "99").returncode == 2
    path = root / tree.JOURNAL / "000001.json"
    tree.reseal(path, lambda found: found.update(status="undone"))
    assert "a write of apply 1 failed" in hosttune(*args, "1").stdout


def test_values_that_another_apply_wants_stay_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tree.make(tmp_path / "host")
    for connections in (1_000_000, 2_000_000):
        assert acts.apply(tree.Host(root), tree.asked(connections=connections)) == 0
    capsys.readouterr()
    assert acts.rollback(tree.Host(root), tree.back(id=1, format="table")) == 0
    assert capsys.readouterr().out == "  note: its values stay: apply 2 still needs them\n  Apply 1 is undone.\n"
    assert acts.apply(tree.Host(root), tree.asked(connections=3_000_000)) == 0
    capsys.readouterr()
    assert acts.rollback(tree.Host(root), tree.back(id=2)) == 0
    assert json.loads(capsys.readouterr().out)["stays"].endswith("stay: apply 3 still needs them")


def test_what_was_interrupted_is_named_and_healed(image: Path) -> None:
    old = tree.look(image)
    assert hosttune("apply", "--role", "lb", "--root", str(image), "--yes").returncode == 0
    path = image / tree.JOURNAL / "000001.json"
    tree.reseal(path, lambda found: found.update(status="applying"))
    assert hosttune("rollback", "--root", str(image), "--dry-run").returncode == 4
    code, seen = at_a_terminal("y\n", "rollback", "--root", str(image))
    assert code == 0, seen
    assert "Heal apply 1? [y/N]" in seen and "it has been undone" in seen.partition("[y/N]")[2]
    assert tree.look(image) == old
