"""`hosttune capacity`: every bound, the picture, and the list that reaches the target, on recorded machines."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jsonschema
import pytest

from tests import verbs

pytestmark = pytest.mark.slow  # verb after verb, each on a machine of its own

HOSTS = Path(__file__).resolve().parents[1] / "hosts"
SCHEMA = Path(__file__).resolve().parents[2] / "hosttune/render/report.schema.json"


def hosttune(*args: str) -> subprocess.CompletedProcess[str]:
    return verbs.hosttune("capacity", *args)


def recorded(*args: str, name: str = "debian12-stock") -> subprocess.CompletedProcess[str]:
    return hosttune("--snapshot", str(HOSTS / f"{name}.json"), *args)


def test_all_bounds_are_shown_with_what_reaches_the_target() -> None:
    done = recorded("--role", "lb", "--connections", "1000000", "--rate", "1000")
    assert done.returncode == 1, done.stderr
    shown = json.loads(recorded("--role", "lb", "--connections", "1000000", "--format", "json").stdout)
    for bound in shown["bounds"]:
        if bound["unit"] == "connections" and isinstance(bound["hard"], int) and not bound["id"].endswith(":all"):
            assert bound["name"][:25] in done.stdout and (f"{bound['hard']:,}" in done.stdout or bound["hard"] > 10**13)
    assert shown["remedies"]
    tail = done.stdout[done.stdout.index("Needed for") :]
    for need in shown["remedies"]:
        assert need["text"] in " ".join(tail.split())


def test_what_is_carried_exits_0() -> None:
    done = recorded("--role", "broker", "--connections", "1", "--rate", "1", "--format", "json")
    assert done.returncode == 0 and json.loads(done.stdout)["remedies"] == []
    jsonschema.validate(json.loads(done.stdout), json.loads(SCHEMA.read_text()))


def test_verbose_says_what_each_bound_is_read_from() -> None:
    done = recorded("--role", "lb", "-v")
    assert "from fs.nr_open" in done.stdout and "descriptors are reserved for the program's own files" in done.stdout


@pytest.mark.parametrize("name", sorted(path.stem for path in HOSTS.glob("debian1*.json")))
def test_no_line_is_wider_than_the_terminal(name: str) -> None:
    for role in ("lb", "broker"):
        done = recorded("--role", role, "-v", name=name)
        assert done.returncode in (0, 1), done.stderr
        assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_picture_has_every_bound_and_the_wanted_line(tmp_path: Path) -> None:
    path = tmp_path / "bounds.svg"
    shown = json.loads(recorded("--role", "lb", "--svg", str(path), "--format", "json").stdout)
    text = " ".join(ElementTree.fromstring(path.read_text()).itertext())
    for bound in shown["bounds"]:
        if bound["unit"] == "connections" and isinstance(bound["hard"], int) and not bound["id"].endswith(":all"):
            assert f"{bound['hard']:,}" in text
    assert f"target {shown['workload']['connections']:,}" in text and "NOT READY for" in text
    assert [p.name for p in tmp_path.iterdir()] == ["bounds.svg"]


def test_a_picture_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    done = recorded("--role", "lb", "--svg", str(tmp_path / "no/such/dir.svg"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "--svg" in done.stderr


@pytest.mark.parametrize("name", ["debian12-stock", "debian12-no-ipv6", "debian13-stock"])
def test_what_stalls_far_below_the_wanted_number_is_no_success_of_check(name: str) -> None:
    done = verbs.hosttune("check", "--role", "broker", "--snapshot", str(HOSTS / f"{name}.json"))
    assert done.returncode == 1 and "no role asks more of login root" in " ".join(done.stdout.split())


@pytest.mark.parametrize("words", [["capacity"], ["check", "--role", "lb"], ["check", "--role", "client", "--strict"]])
def test_of_nothing_nothing_is_known(words: list[str], tmp_path: Path) -> None:
    empty = tmp_path / "empty.json"
    empty.write_text('{"schema": "hosttune/snapshot/1", "reads": {}, "globs": {}, "probes": {}}')
    done = verbs.hosttune(*words, "--snapshot", str(empty))
    assert done.returncode == 3
    assert "UNKNOWN: no limit could be read from this recording." in done.stdout
    assert "Carries" not in done.stdout
    found = json.loads(verbs.hosttune(*words, "--snapshot", str(empty), "--format", "json").stdout)
    assert not any(isinstance(bound["hard"], int) for bound in found["bounds"])
