"""A diagnosis of a snapshot is that of the host: made in a namespace, live and recorded, plain and redacted."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import verbs
from tests.diagnosis import stage
from tests.netns.sandbox import ROOT, inside

pytestmark = pytest.mark.slow

Kept = tuple[dict[str, Any], Path, list[str]]

# of the whole machine, where others work too: by its counters, or by the kernel's log, whose lines age meanwhile
_OF_ALL = {"softnet", "memory", "pids", "file-max", "path", "conntrack", "conntrack-churn", "neighbours", "orphans"}
_OF_ALL |= {"syn-queue", "tcp-mem"}
HOSTS = sorted((ROOT / "tests/hosts").glob("*.json"))


def hosttune(*args: str) -> subprocess.CompletedProcess[str]:
    return verbs.hosttune(*args, cwd=ROOT)


def diagnosis(*args: str) -> dict[str, Any]:
    done = hosttune("diagnose", "--format", "json", *args)
    assert done.returncode in (0, 1, 3), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def record(scene: str, directory: str) -> None:
    """Make a stall, diagnose it, and keep it; for a process that is in a namespace of its own."""
    plain, redacted, named = (str(Path(directory, f"{name}.json")) for name in ("plain", "redacted", "named"))
    with stage.load(scene).scene() as options:
        # other processes of the machine may be at limits of their own, and come and go
        options = [*options, "--pid", str(os.getpid())]
        live = diagnosis(*options)
        for path, more in (
            (plain, ["--for", "0.4s"]),
            (redacted, ["--for", "0.4s", "--redact"]),
            (named, ["--backend", "127.0.0.1:1883"]),
        ):
            done = hosttune("snapshot", "-o", path, *more)
            assert done.returncode == 0, done.stderr
    print(json.dumps({"live": live, "options": options}))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Return the live diagnosis of a client whose ports run out, where its snapshots lie, and the options."""
    directory = tmp_path_factory.mktemp("snapshots")
    answer = json.loads(inside("tests.diagnosis.test_snapshots", "record", "ports_connect", str(directory)))
    return answer["live"], directory, answer["options"]


def told(found: dict[str, Any]) -> list[Any]:
    """Return of a diagnosis what must be the same however it was come by."""
    causes = [(c["kind"], c["what"], c["certainty"], c["at"]) for c in found["causes"] if c["certainty"] == "certain"]
    apart = [sorted({c["kind"] for c in found[kind]} - _OF_ALL) for kind in ("excluded", "unknown")]
    return [found["conclusion"], found["text"], causes, apart]


@pytest.mark.parametrize("name", ["plain", "redacted", "named"])
def test_a_snapshot_tells_what_the_host_told(kept: Kept, name: str) -> None:
    live, directory, options = kept
    found = diagnosis("--snapshot", str(directory / f"{name}.json"), *options)
    assert told(found)[:3] == told(live)[:3]
    if name == "plain":
        assert told(found) == told(live)
        assert round(found["seconds"], 2) >= 0.4  # a difference of two readings of a clock


def test_the_two_gatherings_are_apart(kept: Kept) -> None:
    assert diagnosis("--snapshot", str(kept[1] / "named.json"))["seconds"] == 0
    text = hosttune("diagnose", "--snapshot", str(kept[1] / "named.json")).stdout
    assert "one gathering, no rates" in " ".join(text.split())


@pytest.mark.parametrize(
    "args",
    [
        ["--backend", "127.0.0.1:1883"],
        ["--backend", "127.0.0.1:1883", "--source", "127.0.0.1"],
        ["--backend", "127.0.0.1:1883", "--bind-mode", "connect"],
    ],
    ids=" ".join,
)
def test_a_backend_can_be_named_that_the_snapshot_was_not_asked_for(kept: Kept, args: list[str]) -> None:
    found = diagnosis("--snapshot", str(kept[1] / "plain.json"), *args)
    assert stage.verdict(found) == "ports"
    assert found["causes"][0]["at"] == 100


def test_a_process_can_be_named_that_the_snapshot_has(kept: Kept) -> None:
    path = str(kept[1] / "plain.json")
    most = diagnosis("--snapshot", path)["programs"][0]
    found = diagnosis("--snapshot", path, "--pid", str(most["pid"]))
    assert most["pid"] in [one["pid"] for one in found["programs"]]
    assert {one["name"] for one in found["programs"]} == {most["name"]}
    by_name = diagnosis("--snapshot", path, "--process-name", most["name"])
    assert by_name["programs"] == found["programs"]


def test_what_the_snapshot_has_not_is_said(kept: Kept) -> None:
    path = str(kept[1] / "plain.json")
    found = diagnosis("--snapshot", path, "--pid", "4194303")
    assert found["programs"] == []
    assert any("has no process 4194303" in note for note in found["notes"])
    done = hosttune("diagnose", "--snapshot", path, "--process-name", "nobody-has-this")
    assert done.returncode == 2
    assert "the snapshot has none" in done.stderr


@pytest.mark.parametrize("path", HOSTS, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    "args",
    [
        [],
        ["--pid", "1", "--errno", "EMFILE", "--call", "accept"],
        ["--backend", "192.0.2.1:80", "--stalled-at", "28232"],
        ["--backend", "192.0.2.1:80", "--source", "192.0.2.10", "--bind-mode", "bind"],
        ["--role", "lb"],
    ],
    ids=lambda args: " ".join(args) or "nothing",
)
def test_a_snapshot_of_before_there_were_diagnoses_is_said_not_to_tell(path: Path, args: list[str]) -> None:
    found = diagnosis("--snapshot", str(path), *args)
    unseen = {c["kind"] for c in found["unknown"]}
    if not args:
        assert found["conclusion"] == "nothing"
        assert "the sockets were not readable" in found["text"]
        assert {"nofile", "ports", "ports-held"} <= unseen
    assert "paws" in unseen
    assert "--errno" in args or not any(c["certainty"] == "certain" for c in found["causes"])
