"""A bound from outside of the tree: one file, and every verb that tells what a host carries knows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hosttune import cli
from tests.plugged import plugged

BOUND = """
from hosttune.model import Bound, Remedy, Scope

def bounds(facts):
    remedy = Remedy("licence", facts.workload.connections, None, "connections", "a larger licence")
    return (Bound("licence", "the licence", 17, None, None, "the licence", "refused", (remedy,), scope=Scope.PROGRAM),)
"""


@pytest.mark.parametrize("verb", ["check", "capacity"])
def test_a_bound_is_one_file(verb: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    line = [verb, "--role", "broker", "--connections", "1000"]
    with plugged("hosttune.capacity.bounds", "licence", BOUND, tmp_path):
        found = [_run([*line, *more], capfd) for more in ([], ["--format", "json"])]
    assert "the licence" in found[0] and "a larger licence" in found[0]
    document = json.loads(found[1])
    (bound,) = [one for one in document["bounds"] if one["kind"] == "licence"]
    assert (bound["id"], bound["scope"], bound["hard"]) == ("licence", "program", 17)
    assert "licence" in {remedy["subject"] for remedy in document["remedies"]}
    assert "licence" not in _run([*line, "--format", "json"], capfd)


def _run(line: list[str], capfd: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        cli.main(line)
    return capfd.readouterr().out
