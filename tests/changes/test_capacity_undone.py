"""What the host carries before and after stands first where an apply is taken back, as where it is made."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from hosttune.changes import journal
from hosttune.workflows import capacity_undone
from tests.changes.acts import apply, rollback
from tests.changes.tree import Host, asked, back, make


def test_a_rollback_says_first_what_the_host_carries_then(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = Host(make(tmp_path))
    lines = []
    for act, what in ((apply, asked(role=["lb"], connections=200_000)), (rollback, back(dry_run=True))):
        act(host, dataclasses.replace(what, dialogue=dataclasses.replace(what.dialogue, format="table")))
        lines.append(capsys.readouterr().out.splitlines()[0].strip().partition(" of ")[0])
    made, undone = (line.split(" -> ") for line in lines)
    assert len(made) == 2 and made == undone[::-1]
    assert rollback(host, back()) == 0
    assert json.loads(capsys.readouterr().out)["capacity"].startswith(lines[1])


def test_the_destinations_are_those_of_the_apply(tmp_path: Path) -> None:
    host = Host(make(tmp_path))
    apply(host, asked(role=["lb"], connections=50_000))
    (record,) = journal.records(host)
    command = "hosttune apply --role lb --backend 10.0.0.11:1883 --backend=10.0.0.12:1883 --source 'all' --yes"
    record = dataclasses.replace(record, made=dataclasses.replace(record.made, command=command))
    found = capacity_undone.options(record)
    assert (list(found.role), found.connections) == (["lb"], 50_000)
    assert (list(found.backend), list(found.source)) == (["10.0.0.11:1883", "10.0.0.12:1883"], ["all"])


def test_a_profile_that_is_gone_keeps_nobody_from_a_rollback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host = Host(make(tmp_path / "host"))
    (tmp_path / "ours.toml").write_text('[profile]\nname = "ours"\ntitle = "ours"\nextends = ["lb"]\n', "utf-8")
    apply(host, asked(role=[], profile=[str(tmp_path / "ours.toml")]))
    capsys.readouterr()
    assert rollback(host, back()) == 0
    assert json.loads(capsys.readouterr().out)["capacity"] == ""
