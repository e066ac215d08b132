"""The formats that people write, as their schemas have them and as their pages tell."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from hosttune import api
from hosttune.manual import formats
from hosttune.planning.topology import schema as topology
from hosttune.profile import schema as profile
from hosttune.workflows import file_formats

MODELS = [
    (formats.PROFILE, {"profile": profile.Head, "workload": profile.Load, "require": profile.Require}),
    (formats.PROFILE, {"about": profile.About}),
    (formats.TOPOLOGY, {"topology": topology.Target, "message": topology.Sent, "tier": topology.Hosted}),
]


@pytest.mark.parametrize(("words", "models"), MODELS)
def test_every_key_is_told_and_no_other(words: formats.Words, models: dict[str, type]) -> None:
    for name, model in models.items():
        assert set(words[name][1]) == set(model.model_fields), name


def test_every_table_is_told() -> None:
    assert set(formats.PROFILE) == set(profile.File.model_fields)
    assert set(formats.TOPOLOGY) == set(topology.File.model_fields)


def test_types_bounds_and_defaults_are_those_of_the_schema() -> None:
    tables = {table.head: {key.name: key for key in table.keys} for table in file_formats.profile().tables}
    assert tables["[profile]"]["name"].required
    assert tables["[workload]"]["connections"].kind == "whole number, 1 to 1,000,000,000"
    assert tables["[workload]"]["bind_mode"].kind == "one of: connect, no-port, bind, explicit"
    assert tables["[[require]]"]["value"].kind == "whole number or text or list of: whole number"
    assert tables["[[require]]"]["severity"].default == "warning"
    hosts = {table.head: table.keys for table in file_formats.topology().tables}["[tier.NAME]"]
    kinds = {key.name: (key.kind, key.default) for key in hosts}
    assert kinds["processes"] == ("whole number, 1 to 4,096", "1")
    assert kinds["port_range"][0] == "two of: whole number, 0 to 1,000,000,000"
    assert kinds["conntrack"] == ("true or false", "")


def test_the_example_of_a_profile_is_one(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(formats.PROFILE_EXAMPLE)
    assert api.validate(str(path)).rows > 1
    made = api.requirements(api.Options(profile=str(path))) if hasattr(api, "Options") else None
    assert made is None or made.workload.connections == 500_000


def test_the_example_of_a_topology_is_one(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(formats.TOPOLOGY_EXAMPLE)
    assert tomllib.loads(formats.TOPOLOGY_EXAMPLE)["topology"]["connections"] == "200k"
    assert api.plan(str(path), solve=True).carried
