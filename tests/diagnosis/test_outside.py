"""A cause from outside of the tree: one file, which diagnose ranks and explains like its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hosttune import cli
from tests.plugged import plugged

RULE = """
from hosttune.diagnosis.rule import Rule
from hosttune.model import Certainty, Evidence, Fix

RULE = Rule(
    __name__,
    "the moon is full",
    errnos=("ENOSPC",),
    fixes=(Fix("wait for two weeks"),),
    confirm="look out of the window",
    strength=999,
    rivals=("epoll",),
)

def judge(clues):
    if not RULE.met(clues):
        return (RULE.excluded("nobody howls", "the window"),)
    return (RULE.cause(clues, Certainty.CERTAIN, Evidence("a dog howls", "the window"), at=14),)
"""


def _diagnose(tmp_path: Path, capfd: pytest.CaptureFixture[str], *more: str) -> str:
    snapshot = tmp_path / "snapshot.json"
    snapshot.write_text('{"schema": "hosttune/snapshot/1", "reads": {}, "globs": {}, "probes": {}}')
    with plugged("hosttune.diagnosis.rules", "full_moon", RULE, tmp_path), pytest.raises(SystemExit):
        cli.main(["diagnose", "--snapshot", str(snapshot), *more])
    return capfd.readouterr().out


def test_a_cause_is_one_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = json.loads(_diagnose(tmp_path, capfd, "--errno", "ENOSPC", "--format", "json"))
    first = found["causes"][0]
    assert (first["kind"], first["certainty"], first["at"]) == ("full-moon", "certain", 14)
    assert found["text"].startswith("The moon is full, at 14 connections")
    text = _diagnose(tmp_path, capfd, "--errno", "ENOSPC")
    assert "a dog howls (the window)" in text and "wait for two weeks" in text


def test_it_is_excluded_like_the_others(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = json.loads(_diagnose(tmp_path, capfd, "--errno", "EMFILE", "--format", "json"))
    (mine,) = [cause for cause in found["excluded"] if cause["kind"] == "full-moon"]
    assert mine["evidence"][0]["text"] == "nobody howls"
