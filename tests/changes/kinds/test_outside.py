"""A kind of subject from outside of the tree: a file each to read, plan and write it; the verbs do the rest."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from hosttune import cli
from hosttune.changes import backends, journal
from hosttune.changes import kinds as written
from hosttune.commands import completing
from hosttune.facts import kinds
from tests.changes import tree

READ = """
from hosttune.errors import HostError
from hosttune.model import Reading, Subject, Unknown

def read(host, names):
    found = {}
    for name in names:
        try:
            value = int(host.read(f"/etc/queues/{name}"))
        except HostError as error:
            value = Unknown(error.reason, error.detail)
        found[name] = Reading(Subject("queue", name), value, value)
    return found
"""
PLAN = """
from hosttune.changes.draft import judged
from hosttune.changes.value import meet, text
from hosttune.model import Change, Verdict

def changes(draft):
    for finding, requirement, reading in judged(draft.findings, "queue"):
        if finding.verdict is Verdict.FAIL and draft.request.wants("queue"):
            name, serves = finding.subject.name, (str(finding.subject),)
            after = text(meet(requirement, reading.runtime))
            draft.add([Change("queue", name, draft.world.current("queue", name), after, serves, requirement.why)])
"""
WRITE = """
from hosttune.model import FileState

RUNTIME = False

def read(host, target):
    return host.read(f"/etc/queues/{target}").strip()

def write(host, target, state):
    host.put(f"/etc/queues/{target}", FileState(f"{state}\\n"))

def check(target, state):
    if not target.isalpha() or not str(state).isdecimal():
        raise ValueError(f"{target} = {state} is no queue")
"""
PROFILE = """
[profile]
name = "long"
title = "a host with long queues"

[about."queue:mail"]
what = "letters that wait to be sent"
unit = "letters"
default = "10"
default_value = 10
too_low = "lost letters"
too_high = "delay"
scope = "a host"
source = "a test"

[[require]]
subject = "queue:mail"
operator = "at_least"
value = 50
why = "bursts of letters"
source = "a test"
severity = "error"
"""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    made: list[ModuleType] = [kinds, written, backends]
    for package, code in zip(made, (READ, PLAN, WRITE), strict=True):
        folder = tmp_path / package.__name__
        folder.mkdir()
        (folder / "queue.py").write_text(code)
        package.__path__.append(str(folder))
    (tmp_path / "long.toml").write_text(PROFILE)
    image = tree.image(tmp_path, {"/etc/queues/mail": "10\n"})
    yield image
    for package in made:
        package.__path__.pop()
        sys.modules.pop(f"{package.__name__}.queue", None)


def run(*args: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(list(args))
    return int(left.value.code or 0)


def test_it_is_read_judged_explained_written_and_taken_back(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    mail = root / "etc/queues/mail"
    asked = ("--profile", str(root.parent / "long.toml"), "--root", str(root))

    def verdict() -> str:
        capfd.readouterr()
        run("check", *asked, "--format", "json")
        findings = json.loads(capfd.readouterr().out)["findings"]
        return str(next(f["verdict"] for f in findings if f["subject"] == "queue:mail"))

    assert verdict() == "FAIL"
    assert run("explain", "queue:mail", "--profile", str(root.parent / "long.toml")) == 0
    assert "letters that wait to be sent" in capfd.readouterr().out
    assert run("apply", *asked, "--only", "queue", "--dry-run") == 4
    told = capfd.readouterr().out
    assert "queue mail" in told and "bursts of letters" in told and mail.read_text() == "10\n"
    run("apply", *asked, "--only", "units", "--dry-run")
    assert "queue mail" not in capfd.readouterr().out
    assert run("apply", *asked, "--only", "queue", "--yes", "--format", "json") in (0, 1)
    document = json.loads(capfd.readouterr().out)
    assert [(c["backend"], c["target"]) for c in document["changes"]] == [("queue", "mail")]
    assert document["not_in_force"] == [] and mail.read_text() == "50\n" and verdict() == "OK"
    assert run("history", "--root", str(root)) == 0 and "long" in capfd.readouterr().out
    assert run("rollback", "--root", str(root), "--yes") == 0
    assert mail.read_text() == "10\n" and verdict() == "FAIL"


def test_it_is_named_where_kinds_are(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "queue" in completing.written("") and "sysctl,queue" in completing.written("sysctl,")
    assert run("apply", "--only", "nonsense", "--root", str(root), "--yes") == 2
    assert "choose among sysctl, limits, units, addresses, queue" in capfd.readouterr().err


def test_without_it_its_records_are_damaged(
    root: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("--profile", str(root.parent / "long.toml"), "--root", str(root))
    run("apply", *asked, "--only", "queue", "--yes")
    monkeypatch.setattr(backends, "__path__", backends.__path__[:-1])
    journal._seen.clear()  # of a run that had it
    capfd.readouterr()
    assert run("history", "--root", str(root)) == 0
    assert "no backend 'queue'" in capfd.readouterr().out
