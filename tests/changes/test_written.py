"""Lines of a file of ours that no apply has written stay out of what is written, and so do foreign keys."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from hosttune.changes import entries, journal
from hosttune.changes.record import Record, Status
from hosttune.changes.request import Request
from hosttune.changes.written import lines, stranger
from hosttune.errors import UsageError
from hosttune.model import Change, FileState
from hosttune.model.acting import Invocation
from tests.changes import acts, tree

EVIL = "kernel.core_pattern = |/tmp/evil"
PLANTED = "etc/sysctl.d/90-hosttune.conf"
NEXT = "etc/sysctl.d/99-hosttune.conf"
KEYS = ("kernel.core_pattern", "kernel.modprobe")


def core(root: Path, *names: str) -> str:
    """Write a profile that sets sysctls which no connection needs; return its path."""
    rows = "".join(
        f'[[require]]\nsubject = "sysctl:{key}"\noperator = "equals"\nvalue = "|/tmp/evil"\n'
        'why = "x"\nsource = "x"\nseverity = "error"\n'
        for key in names
    )
    path = root.parent / "core.toml"
    path.write_text(f'[profile]\nname = "core"\ntitle = "core"\n{rows}')
    return str(path)


def run(root: Path, capsys: pytest.CaptureFixture[str], **options: Any) -> tuple[int, Any]:
    code = acts.apply(tree.Host(root), tree.asked(**options))
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tree.make(tmp_path / "host")
    for key in KEYS:
        (made / "proc/sys" / key.replace(".", "/")).write_text("core\n")
    return made


def test_a_line_that_was_planted_is_not_taken_over(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"{entries.HEADER}{EVIL}\n"
    (root / PLANTED).write_text(text)
    code, document = run(root, capsys, only="sysctl")
    assert code == 0 and (root / PLANTED).read_text() == text
    assert "evil" not in (root / NEXT).read_text()
    assert any(PLANTED in note and EVIL in note for note in document["notes"])
    # a second apply adds to what the first one wrote, and to nothing else
    run(root, capsys, only="sysctl", role=["client"], reserve_listeners=True)
    assert (root / PLANTED).read_text() == text and "evil" not in (root / NEXT).read_text()
    for _ in range(2):
        acts.rollback(tree.Host(root), tree.back())
    assert (root / PLANTED).read_text() == text and not (root / NEXT).exists()


def test_what_the_journal_knows_is_joined(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(root, capsys, only="sysctl", connections=100_000)
    old = (root / PLANTED).read_text()
    run(root, capsys, only="sysctl", connections=3_000_000)
    assert (root / PLANTED).read_text() != old and not (root / NEXT).exists()


def test_a_line_that_wins_over_all_our_names_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "etc/sysctl.d/~~~hosttune.conf").write_text(f"{entries.HEADER}net.core.somaxconn = 7\n")
    code, document = run(root, capsys, only="sysctl")
    assert code == 5 and any("~~~hosttune.conf" in why for why in document["refused"])


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\x0b", "\x0c", "\x1c"])
def test_what_ends_a_line_for_python_only_ends_none(end: str) -> None:
    text = f"{entries.HEADER}net.ipv4.tcp_congestion_control = cubic{end}{EVIL}\n"
    assert list(entries.parse(text, entries.SYSCTL)) == ["net.ipv4.tcp_congestion_control"]


def test_only_what_stands_is_known() -> None:
    def record(id: int, status: Status, text: str) -> Record:
        change = Change("file", f"/{PLANTED}", None, FileState(text))
        return Record(id, status, Invocation("", ""), Request(), (change,))

    known = lines([record(1, Status.APPLIED, "# x\na = 1\n"), record(2, Status.ROLLED_BACK, "b = 2\n")])
    assert known == {f"/{PLANTED}": {"a = 1"}}
    assert stranger(f"/{PLANTED}", "# other\r\na = 1\r\n", known) == ""
    assert stranger(f"/{PLANTED}", "a = 1\nb = 2\n", known) == "b = 2"
    assert stranger("/other", "a = 1\n", known) == "a = 1"
    assert stranger("/other", "a = 1\n", None) == ""


def test_a_foreign_key_takes_its_option(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"role": [], "profile": [core(root, *KEYS)]}
    code, document = run(root, capsys, **given, allow_key=[KEYS[0]])
    assert code == 5 and not (root / PLANTED).exists()
    (why,) = document["refused"]
    assert "core.toml: require 2" in why and f"--allow-key {KEYS[1]}" in why and f"--except {KEYS[1]}" in why
    code, document = run(root, capsys, **given, allow_key=[f"sysctl:{KEYS[0]}"], leave=[KEYS[1]])
    assert code == 0 and "|/tmp/evil" in (root / PLANTED).read_text() and KEYS[1] not in (root / PLANTED).read_text()
    # the record knows that it was allowed, so that it can be taken back
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    assert not (root / PLANTED).exists() and (root / "proc/sys/kernel/core_pattern").read_text() == "core\n"


@pytest.mark.parametrize("key", ["kernel.other", "net.core.somaxconnn", "-kernel.core_pattern", "kernel.*"])
def test_a_key_that_nobody_asks_for_cannot_be_allowed(root: Path, key: str) -> None:
    with pytest.raises(UsageError, match="--allow-key"):
        asked = tree.asked(role=[], profile=[core(root, *KEYS)], allow_key=[key])
        acts.apply(tree.Host(root), asked)


def test_a_foreign_key_that_holds_already_is_not_written_later(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "proc/sys/kernel/core_pattern").write_text("|/tmp/evil\n")
    (root / "etc/sysctl.d/50-theirs.conf").write_text("kernel.core_pattern = |/tmp/evil\n")
    code, _ = run(root, capsys, role=[], profile=[core(root, KEYS[0])])
    assert code == 0 and not (root / PLANTED).exists()


def test_a_record_with_a_key_that_no_apply_writes_is_damaged(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(root, capsys, only="sysctl")[0] == 0
    host = tree.Host(root)
    (record,) = journal.records(host)
    other = tuple(
        dataclasses.replace(change, target="kernel.core_pattern") if change.backend == "sysctl" else change
        for change in record.changes
    )
    journal.save(host, dataclasses.replace(record, changes=other))
    found = journal.read(host)
    assert not found.records and "kernel.core_pattern" in found.damaged[0].why
    allowed = dataclasses.replace(record.request, allow=("kernel.core_pattern",))
    journal.save(host, dataclasses.replace(record, changes=other, request=allowed))
    assert len(journal.records(host)) == 1
