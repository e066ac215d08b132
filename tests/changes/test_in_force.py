"""What was written and does not hold is named, with who is known to hold it; what the kernel rounds is no loss."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosttune.changes import journal
from hosttune.changes.in_force import lost
from hosttune.changes.order import lasting
from hosttune.changes.record import Record
from hosttune.model import Change, FileState
from tests.changes import acts, tree
from tests.changes.test_apply import DROP_IN

KEY = "fs.epoll.max_user_watches"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tree.make(tmp_path / "host", sysctls={"fs/epoll/max_user_watches": "1000"})
    assert acts.apply(tree.Host(made), tree.asked(user=["root"])) == 0
    return made


def record_of(root: Path) -> Record:
    return journal.records(tree.Host(root))[-1]


def set_now(root: Path, value: str) -> None:
    (root / "proc/sys/fs/epoll/max_user_watches").write_text(f"{value}\n")


def test_all_holds_after_an_apply(root: Path) -> None:
    assert lost(tree.Host(root), record_of(root).changes) == ()


def test_a_value_that_was_put_back_is_named_with_the_line_of_tuned(root: Path) -> None:
    profiles = {
        "etc/tuned/active_profile": "mine\n",
        "etc/tuned/mine/tuned.conf": "[main]\ninclude=throughput-performance\n",
        "usr/lib/tuned/throughput-performance/tuned.conf": f"[sysctl]\n{KEY}=>2048\n",
    }
    set_now(root, "2048")
    (one,) = lost(tree.Host(root), record_of(root).changes)
    assert (one.target, one.when, one.holds, one.by) == (KEY, "now", "2048", ())
    tree.process(root, 77, "x")
    (root / "proc/77/comm").write_text("puppet\n")
    assert lost(tree.Host(root), record_of(root).changes)[0].by == ("puppet is running and may set it",)
    for path, text in profiles.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    assert lost(tree.Host(root), record_of(root).changes)[0].by == (
        "tuned sets it (/usr/lib/tuned/throughput-performance/tuned.conf:2)",
    )


def test_files_that_come_after_ours_decide_at_boot(root: Path) -> None:
    changes = record_of(root).changes
    (root / "etc/sysctl.d/99-later.conf").write_text(f"{KEY} = 128\n")
    (root / "etc/security/limits.d/99-later.conf").write_text("root hard nofile 1000\n")
    found = {one.target: one for one in lost(tree.Host(root), changes)}
    assert (found[KEY].when, found[KEY].holds) == ("at boot", "128")
    assert found[KEY].by == ("/etc/sysctl.d/99-later.conf:1 sets it",)
    assert (found["root hard nofile"].when, found["root hard nofile"].holds) == ("at boot", "1000")


def test_a_file_of_ours_that_was_changed_or_removed_is_named(root: Path) -> None:
    changes = record_of(root).changes
    (root / DROP_IN).write_text("# Written by hosttune\n")
    # with fs.nr_open at its default the service gets less, too
    assert [one.target for one in lost(tree.Host(root), changes)] == [f"/{DROP_IN}", "LimitNOFILE"]
    (root / DROP_IN).unlink()
    assert lost(tree.Host(root), changes)[0].holds == "nothing"


def test_an_ended_process_and_a_setting_that_was_given_back_are_no_loss(root: Path) -> None:
    pair = [Change("sysctl", KEY, "0", "1"), Change("sysctl", KEY, "1", "0")]
    assert lasting(pair) == () and lost(tree.Host(root), pair) == ()
    assert lost(tree.Host(root), [Change("prlimit", "99999:1", "1 1", "2 2")]) == ()
    assert lasting([Change("file", "a", None, FileState("x"))]) == (Change("file", "a", None, FileState("x")),)
