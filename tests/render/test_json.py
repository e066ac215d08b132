"""The JSON of a real run holds to the schema that ships, with and without what can be left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import hosttune.render
from tests import verbs

SCHEMA = Path(hosttune.render.__file__).with_name("report.schema.json")
RUNS = {
    "a role": ["--role", "lb"],
    "port pools": ["--role", "lb", "--backend", "127.0.0.1:1883", "--bind-mode", "explicit:2000-3000"],
    "connections that end": ["--role", "lb", "--backend", "127.0.0.1:1883", "--rate", "100000", "--hold", "1"],
    "two roles and a process": ["--role", "client", "--role", "broker", "--pid", "1"],
    "an image": ["--role", "whitepaper-2019", "--root", "EMPTY"],
}


def report(*args: str) -> Any:
    done = verbs.hosttune("check", "--format", "json", *args)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", RUNS)
def test_it_holds_to_the_schema(name: str, tmp_path: Path) -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(report(*(str(tmp_path) if arg == "EMPTY" else arg for arg in RUNS[name])), schema)


def test_ids_are_unique_and_stable() -> None:
    first, second = (report("--role", "lb") for _ in range(2))
    ids = [finding["id"] for finding in first["findings"]]
    assert len(ids) == len(set(ids))
    assert ids == [finding["id"] for finding in second["findings"]]
