"""After an apply: a row for each thing that was changed, and no word that what does not hold does."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hosttune.errors import UsageError
from tests import verbs
from tests.changes import acts, tree

pytestmark = pytest.mark.slow  # verb after verb, each on a machine of its own

LISTENER = "   0: 00000000:075B 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1 0 100 0 0 10 0\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree.make(tmp_path / "host")


def validated(text: str, name: str) -> Any:
    schema = json.loads((files("hosttune.render") / f"{name}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(text)
    jsonschema.Draft202012Validator(schema).validate(document)
    return document


def rows(text: str) -> dict[str, dict[str, str]]:
    return {row["subject"]: row for row in validated(text, "apply")["results"]}


def test_a_reservation_has_a_row(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "proc/net").mkdir()
    (root / "proc/net/tcp").write_text("  sl  local_address rem_address   st\n" + LISTENER)
    assert acts.apply(tree.Host(root), tree.asked(reserve_listeners=True)) == 0
    row = rows(capsys.readouterr().out)["sysctl:net.ipv4.ip_local_reserved_ports"]
    assert (row["was"], row["now"], row["boot"], row["verdict"]) == ("(empty)", "1883", "1883", "OK")


@pytest.mark.parametrize("dry_run", [True, False])
def test_each_sysctl_of_an_image_has_a_row(root: Path, capsys: pytest.CaptureFixture[str], dry_run: bool) -> None:
    for path in (root / "proc").rglob("*"):
        if path.is_file():
            path.unlink()
    done = verbs.hosttune(
        "apply", "--role", "lb", "--root", str(root), "--format", "json", "--dry-run" if dry_run else "--yes"
    )
    found = rows(done.stdout)
    keys = re.findall(r"(?m)^  \+([a-z0-9_.]+) = ", json.loads(done.stdout)["diff"])
    assert "fs.nr_open" in keys
    for key in keys:
        assert found[f"sysctl:{key}"]["boot"] not in ("?", "the default"), key


def test_a_value_that_is_raised_for_another_has_a_row(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = root.parent / "mine.toml"
    mine.write_text(
        '[profile]\nname = "mine"\ntitle = "mine"\n[[require]]\nsubject = "nofile:login"\noperator = "at_least"\n'
        'value = [2000000, 2000000]\nwhy = "a test"\nsource = "a test"\nseverity = "error"\n'
    )
    assert acts.apply(tree.Host(root), tree.asked(role=[], profile=[str(mine)], connections=None)) == 0
    found = rows(capsys.readouterr().out)
    row = found["sysctl:fs.nr_open"]
    assert (row["was"], row["now"], row["boot"]) == ("1,048,576", "2,000,000", "2,000,000")
    assert found["nofile:login/root"]["boot"] == "2,000,000 2,000,000"


def test_a_source_address_has_a_row(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (root / "proc").rglob("*"):
        if path.is_file():
            path.unlink()
    network = root / "etc/systemd/network/10-eth0.network"
    network.parent.mkdir(parents=True)
    network.write_text("[Match]\nName=eth0\n[Network]\nAddress=10.0.0.2/24\n")
    (root / "etc/systemd/system/multi-user.target.wants").mkdir(parents=True)
    (root / "etc/systemd/system/multi-user.target.wants/systemd-networkd.service").symlink_to("/dev/null")
    done = verbs.hosttune(
        "apply",
        "--role",
        "lb",
        "--root",
        str(root),
        "--format",
        "json",
        "--add-address",
        "10.0.0.21-10.0.0.22/24@eth0",
        "--yes",
    )
    found = rows(done.stdout)
    for address in ("10.0.0.21", "10.0.0.22"):
        assert found[f"address:{address}/24@eth0"]["boot"] == "present", done.stderr


NARROWED = {
    "runtime": ({"runtime_only": True}, "--runtime-only", "at the next boot"),
    "persist": ({"persist_only": True}, "--persist-only", " now"),
    "kinds": ({"only": "sysctl"}, "--only", "nofile:unit/haproxy.service"),
    "a key": ({"leave": ["net.ipv4.tcp_tw_reuse"]}, "--except", "net.ipv4.tcp_tw_reuse"),
}


@pytest.mark.parametrize("name", NARROWED)
def test_what_lies_outside_of_what_was_asked_for_is_not_said_to_hold(
    root: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    options, option, named = NARROWED[name]
    assert acts.apply(tree.Host(root), tree.asked(**options)) == 0
    capsys.readouterr()
    assert acts.apply(tree.Host(root), tree.asked(**options, format="table")) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith(f"Nothing to do in what was given ({option}). Not as needed: ") and named in said
    assert f"apply without {option}." in said


def test_only_what_holds_is_said_to_hold(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert acts.apply(tree.Host(root), tree.asked(role=["lb"])) == 0
    capsys.readouterr()
    assert acts.apply(tree.Host(root), tree.asked(role=["lb"], format="table")) == 0
    assert capsys.readouterr().out.startswith("  Nothing to do: what role lb needs is set, now and after a boot.\n")
    (root / "proc/meminfo").unlink()  # what is wanted of tcp_mem is a share of the memory
    # without the memory no default of other keys is known either: what they hold now is kept for the next boot
    assert acts.apply(tree.Host(root), tree.asked(role=["lb"])) == 0
    capsys.readouterr()
    assert acts.apply(tree.Host(root), tree.asked(role=["lb"], format="table")) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "needs is set, now and after a boot; 1 is unknown and left alone." in said
    assert "note: left alone: net.ipv4.tcp_mem: " in said


def test_what_is_left_alone_is_not_said_to_hold(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert acts.apply(tree.Host(root), tree.asked(pid=1)) == 0
    capsys.readouterr()
    assert acts.apply(tree.Host(root), tree.asked(pid=1, format="table")) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("Nothing left to write. Not as needed: 1 (nofile:pid/1) now"), said
    assert "process 1 keeps its limits: --live" in said


def test_the_json_of_rollback_and_history_has_its_form(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for asked in (tree.back(dry_run=True), tree.back()):
        acts.rollback(tree.Host(root), asked)
        assert validated(capsys.readouterr().out, "rollback")["id"] is None
    for options in ({}, {"connections": 2_000_000, "live": True}, {"only": "sysctl", "connections": 3_000_000}):
        acts.apply(tree.Host(root), tree.asked(**options))
    capsys.readouterr()
    (root / "proc/sys/fs/nr_open").write_text("7\n")
    for asked in (tree.back(id=1, dry_run=True), tree.back(id=1), tree.back(), tree.back(id=1)):
        acts.rollback(tree.Host(root), asked)
        validated(capsys.readouterr().out, "rollback")
    acts.history(root, "json")
    statuses = [one["status"] for one in validated(capsys.readouterr().out, "history")["applies"]]
    assert statuses == ["rolled-back", "applied", "partly-rolled-back"]


def test_history_says_how_each_comes_off(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert acts.apply(tree.Host(root), tree.asked(runtime_only=True)) == 0
    assert acts.apply(tree.Host(root), tree.asked(only="units", persist_only=True, connections=1_000_001)) in (0, 5)
    assert acts.apply(tree.Host(root), tree.asked(persist_only=True)) == 0
    assert acts.rollback(tree.Host(root), tree.back(id=1)) == 0
    capsys.readouterr()
    acts.history(root, "table")
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if "undo:" not in line) <= 80  # that one is there to be pasted
    text = "\n".join(lines)
    assert re.search(r"   1  \d{4}-\d\d-\d\d \d\d:\d\d UTC  rolled back  role lb, 1,000,000 connections\n", text)
    assert re.search(r"\d+ changes, runtime: ", text) and re.search(r"\d+ changes?, boot: ", text)
    assert re.findall(r"undo: (.*)", text) == [f"sudo hosttune rollback 2 --root {root}"]


def test_one_change_is_one_change(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = root.parent / "mine.toml"
    mine.write_text(
        '[profile]\nname = "mine"\ntitle = "mine"\n[[require]]\nsubject = "sysctl:vm.swappiness"\noperator = "equals"\n'
        'value = 10\nwhy = "a test"\nsource = "a test"\nseverity = "error"\n'
    )
    asked = tree.asked(role=[], profile=[str(mine)], connections=None, runtime_only=True)
    assert acts.apply(tree.Host(root), asked) == 0
    capsys.readouterr()
    acts.history(root, "table")
    assert "1 change, runtime" in capsys.readouterr().out


def test_a_recording_does_not_name_interfaces(tmp_path: Path) -> None:
    asked = tree.asked(snapshot="x", dry_run=True, add_address=["10.0.0.21/24@eth0"])
    with pytest.raises(UsageError, match="--persist-only"):
        acts.run(asked)
