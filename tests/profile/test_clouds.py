"""The files of profiles/clouds: each holds to its type, and every number has its page and its day."""

from __future__ import annotations

import datetime
import tomllib
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from hosttune.facts import machine
from hosttune.model.clouds import KnownCloud, named
from hosttune.model.topology import CLOUDS
from hosttune.profile import clouds, load

FILES = sorted((load.shipped() / "clouds").glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_holds_to_its_type(path: Path) -> None:
    known = clouds.built(tomllib.loads(path.read_text()))
    assert TypeAdapter(KnownCloud).validate_python(TypeAdapter(KnownCloud).dump_python(known)) == known
    assert path.stem == known.name
    for row in filter(None, (*known.gateway, known.quota, known.idle)):
        assert "." in row.source and row.what
        assert datetime.date.fromisoformat(row.noted) <= datetime.date(2100, 1, 1)


def test_each_is_a_provider_that_is_recognised() -> None:
    names = {known.name for known in clouds.every()}
    assert names == set(CLOUDS) and names <= {name for _, name in machine.CLOUDS}


@pytest.mark.parametrize(
    ("name", "cpus", "most"), [("gcp", 4, 520_000), ("gcp", 64, 1_040_000), ("azure", None, 500_000)]
)
def test_a_quota_goes_by_the_cpus_where_it_does(name: str, cpus: int | None, most: int) -> None:
    known = named(clouds.every(), name)
    assert known and known.quota and known.quota.of(cpus) == most


def test_a_quota_of_cpus_that_nobody_knows_is_not_told() -> None:
    known = named(clouds.every(), "gcp")
    assert known and known.quota and known.quota.of(None) is None
    assert named(clouds.every(), "hetzner") is None
