"""Output that goes away: the work stays done, the exit code is that of the work, and one line says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.changes import tree

pytestmark = pytest.mark.slow  # verb after verb, each on a machine of its own


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Return a tree without a kernel."""
    return tree.unbooted(tmp_path)


def shell(line: str, image: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `hosttune` is the verb's start and $R the image; the code is that of hosttune."""
    line = line.replace("hosttune", '"$0" -m hosttune')
    command = ["bash", "-c", f"R=$1; {line}; exit ${{PIPESTATUS[0]}}", sys.executable, str(image)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


AWAY = {"full": ">/dev/full", "closed": ">&-", "a reader that ends": "| true", "a reader that ends early": "| head -1"}


@pytest.mark.parametrize("how", AWAY)
def test_an_apply_and_a_rollback_are_done_all_the_same(image: Path, how: str) -> None:
    old = tree.look(image)
    for verb in ("apply --role lb", "rollback"):
        before = tree.look(image)
        done = shell(f'hosttune {verb} --root "$R" --yes {AWAY[how]}', image)
        assert done.returncode == 0, done
        assert "bug" not in done.stderr and done.stderr.count("\n") <= 1
        assert bool(done.stderr) or how not in ("full", "a reader that ends"), done
        assert not done.stderr or "done stays done" in done.stderr
        assert tree.look(image) != before
    assert tree.look(image) == old


@pytest.mark.parametrize("verb", ["check --role lb", "history", "apply --role lb --dry-run"])
def test_a_verb_that_reads_and_cannot_answer_says_so(image: Path, verb: str) -> None:
    done = shell(f'hosttune {verb} --root "$R" >/dev/full', image)
    assert done.returncode != 0
    assert done.stderr == "hosttune: standard output: No space left on device\n"
    done = shell(f'hosttune {verb} --root "$R" | true', image)
    assert not done.stderr and done.returncode == shell(f'hosttune {verb} --root "$R"', image).returncode


def test_a_reader_of_both_that_ends_is_no_bug(image: Path) -> None:
    done = shell('hosttune apply --role lb --only units --root "$R" --dry-run 2>&1 | true', image)
    assert (done.returncode, done.stderr) == (5, "")


def test_all_three_may_be_closed(image: Path) -> None:
    before = tree.look(image)
    done = shell('hosttune apply --role lb --root "$R" --yes <&- >&- 2>&-', image)
    assert done.returncode == 0 and tree.look(image) != before
    # no file of ours had one of their numbers
    assert "hosttune:" not in (image / "etc/sysctl.d/90-hosttune.conf").read_text()


def test_nobody_agrees_to_what_was_not_shown(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    ours, theirs = os.openpty()
    os.write(ours, b"y\n")
    before = tree.look(image)
    command = [sys.executable, "-m", "hosttune", "apply", "--role", "lb", "--root", str(image)]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdin=theirs, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 5 and "could not be shown" in done.stderr
    assert tree.look(image) == before
