"""The files of profiles/programs: each holds to its type, says where it is from, and is read where it is asked for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune import registry
from hosttune.model.programs import KnownProgram, known_as
from hosttune.profile import load
from hosttune.programs import knowledge, schema

FILES = sorted((load.shipped() / "programs").glob("*.toml"))
RULES = {name.replace("_", "-") for name in registry.names("hosttune.diagnosis.rules")} | {"own-limit"}
OWN_LIMITS = (
    "maxconn",
    "worker-connections",
    "max-conns",
    "max-connections",
    "circuit-breaker",
    "connection-limit",
    "maxusers",
)
BOUNDS = ("ports", "nofile", *OWN_LIMITS)
NEVER_RUN = ("envoy",)  # its lines are those of its source


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_holds_to_its_type(path: Path) -> None:
    tables = tomllib.loads(path.read_text())
    known = schema.validated(str(path), tables)
    assert known == knowledge.built(tables)
    assert path.stem == known.name or known.name in ("the program", "a program")  # of no program by itself
    assert {cause for row in known.log for cause in row.causes} <= RULES
    assert all(row.bound in BOUNDS for row in known.log if row.bound)
    assert all(bool(row.seen) is (known.name not in NEVER_RUN) for row in known.log if row.bound)
    traits = [getattr(known.traits, name) for name in known.traits.__slots__]
    assert all(trait.source and trait.seen and trait.why for trait in traits if trait.value)
    assert [row for row in known.log if not row.source] == []


def test_no_file_is_a_role() -> None:
    assert not set(load.names()) & {path.stem for path in FILES}


@pytest.mark.parametrize("name", ["haproxy", "/usr/sbin/haproxy", "haproxy.service", "haproxy@lb1.service"])
def test_a_program_goes_by_its_process_its_path_and_its_unit(name: str) -> None:
    (known,) = knowledge.of(name)
    assert known.name == "haproxy" and known_as(knowledge.every(), name) == known


def test_several_processes_are_of_one_program() -> None:
    assert [known.name for known in knowledge.of("mysqld", "mariadbd", "beam.smp")] == ["erlang", "mariadb"]


@given(st.text())
def test_of_another_program_nothing_is_known(name: str) -> None:
    for known in knowledge.of(name):
        assert known.names
    assert known_as((), name) == KnownProgram(known_as((), name).name)


def test_no_name_is_that_of_two_programs() -> None:
    names = [name for known in knowledge.every() for name in set(known.names)]
    assert len(names) == len(set(names))


def test_lines_of_one_program_are_sought_before_those_of_any() -> None:
    kinds = [known.kind for known in knowledge.every()]
    assert re.fullmatch("(program )+(runtime )+(system )+any ", "".join(f"{kind} " for kind in kinds))
