"""Apply, apply, roll back and confirm at once, on two machines: whatever comes first, nothing is lost.

A few rounds; HOSTTUNE_ROUNDS=200 makes as many as are named.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hosttune.changes import journal
from hosttune.changes.record import Status
from hosttune.errors import HosttuneError
from tests.changes import tree, waiting
from tests.changes.waiting import do_apply, do_confirm, do_expire, do_rollback, look

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("HOSTTUNE_ROUNDS", "3"))
ANEW = 25
"""Rounds after which a machine is made anew: each reads the whole journal."""
HANGS = 60

VERBS: dict[str, Callable[[Path], int]] = {
    "waiting": do_apply,
    "plain": lambda root: do_apply(root, confirm_within="", only="sysctl", leave=["net.ipv4.tcp_mem"]),
    "rollback": do_rollback,
    "confirm": do_confirm,
}


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path) as made:
        yield Path(made)


def start(run: Callable[[Path], int], root: Path, answer: Path, gate: int) -> int:
    """Run a verb in a process of its own once the gate opens: `answer` gets its exit code, output and error."""
    pid = os.fork()
    if pid:
        return pid
    out = io.StringIO()
    found: dict[str, Any] = {}
    try:
        os.read(gate, 1)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            try:
                found = {"code": run(root), "error": ""}
            except HosttuneError as error:
                found = {"code": error.exit_code, "error": str(error)}
            except BaseException as error:
                found = {"code": 99, "error": repr(error)}
        answer.write_text(json.dumps(found | {"out": out.getvalue()}))
    finally:
        os._exit(0)


def at_once(roots: list[Path], directory: Path) -> dict[tuple[int, str], dict[str, Any]]:
    """Run all verbs on all machines at the same time and return what each answered."""
    gate, opened = os.pipe()
    answers = {(n, verb): directory / f"{n}-{verb}.json" for n in range(len(roots)) for verb in VERBS}
    for answer in answers.values():
        answer.unlink(missing_ok=True)
    pids = [start(VERBS[verb], roots[n], answer, gate) for (n, verb), answer in answers.items()]
    os.write(opened, b"x" * len(pids))
    os.close(opened)
    os.close(gate)
    end = time.monotonic() + HANGS
    while pids and time.monotonic() < end:
        pids = [pid for pid in pids if os.waitpid(pid, os.WNOHANG) == (0, 0)]
        time.sleep(0.01)
    for pid in pids:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    assert not pids, "one of them hangs"
    return {key: json.loads(answer.read_text()) for key, answer in answers.items()}


def check(root: Path, answers: dict[str, dict[str, Any]], before: int) -> None:
    """Every answer is true of the journal, and the journal is whole."""
    assert {answer["code"] for answer in answers.values()} <= {0, 5}, answers
    records = {record.id: record for record in journal.records(tree.Host(root))}
    assert sorted(records) == list(range(1, len(records) + 1))
    made = {verb: json.loads(answers[verb]["out"])["id"] for verb in ("waiting", "plain") if answers[verb]["code"] == 0}
    # what was written has a record, and no two have the same
    ids = [id for id in made.values() if id is not None]
    assert len(ids) == len(set(ids)) and set(ids) == set(range(before + 1, len(records) + 1)), (made, before)
    ended = (Status.APPLIED, Status.UNCONFIRMED, Status.ROLLED_BACK, Status.UNDONE)
    assert all(record.status in ended for record in records.values()), [r.status for r in records.values()]
    if answers["confirm"]["code"] == 0:
        assert records[json.loads(answers["confirm"]["out"])["id"]].status is not Status.UNCONFIRMED
    back = json.loads(answers["rollback"]["out"])["id"] if answers["rollback"]["code"] == 0 else None
    if back is not None:
        assert records[back].status is Status.ROLLED_BACK
    for record in records.values():
        assert (record.confirm is not None) or record.status is not Status.UNCONFIRMED


def settle(root: Path) -> None:
    """Let the time of what waits pass, and take all back that is in force."""
    waiting.pass_time(root)
    for record in journal.records(tree.Host(root)):
        if record.status is Status.UNCONFIRMED:
            assert do_expire(root, id=record.id) == 0
    while any(record.status is Status.APPLIED for record in journal.records(tree.Host(root))):
        assert do_rollback(root) == 0


def test_nothing_is_lost(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codes: dict[str, set[int]] = {verb: set() for verb in VERBS}
    roots: list[Path] = []
    old: dict[str, tuple[str, int]] = {}
    for number in range(ROUNDS):
        if number % ANEW == 0:
            (directory / f"{number}").mkdir()
            roots = [waiting.make(directory / f"{number}/host{n}") for n in range(2)]
            old = look(roots[0])
        before = [len(journal.records(tree.Host(root))) for root in roots]
        if number % 2:
            # a confirm and a rollback have something to do at once
            for n, root in enumerate(roots):
                do_apply(root)
                before[n] += 1
        answers = at_once(roots, directory)
        for n, root in enumerate(roots):
            own = {verb: answers[n, verb] for verb in VERBS}
            check(root, own, before[n])
            for verb, answer in own.items():
                codes[verb].add(answer["code"])
            settle(root)
            assert look(root) == old
        capsys.readouterr()
    if ROUNDS >= 3:
        assert all(0 in found for verb, found in codes.items() if verb != "confirm"), codes
    with capsys.disabled():
        print(f"\n{ROUNDS} rounds on 2 machines: {codes}")
