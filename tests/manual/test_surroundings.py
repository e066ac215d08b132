"""The files and variables that man pages name are those that the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hosttune
from hosttune.manual import surroundings
from tests.manual import tree

PACKAGE = Path(hosttune.__file__).parent
SOURCES = {path: path.read_text() for path in PACKAGE.rglob("*.py") if not {"manual", "_collection"} & {*path.parts}}
BY_LIBRARY = {"COLUMNS"}
"""What a library reads for us: shutil.get_terminal_size()."""


def test_every_variable_that_is_read_is_named_and_no_other() -> None:
    read = {name for text in SOURCES.values() for name in re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", text)}
    several = [row for text in SOURCES.values() for row in re.findall(r"environ\.get\(name\).*\bin \((.+)\)", text)]
    read |= {name for row in several for name in re.findall(r"\"([A-Z_]+)\"", row)}
    assert read | BY_LIBRARY == set(surroundings.environment())


@pytest.mark.parametrize("path", [part for path in surroundings.files() for part in path.split(", ")])
def test_every_file_is_one_that_the_code_names(path: str) -> None:
    folder = re.split(r"/UNIT\.d|/90-hosttune|/\*", path)[0]
    assert any(f'"{folder}' in text or f"{folder}/" in text for text in SOURCES.values()), folder


def test_each_is_of_verbs_that_there_are() -> None:
    every = {verb.words for verb in tree.leaves()}
    assert {name for row in (*surroundings._FILES, *surroundings._ENVIRONMENT) for name in row[2]} <= every
    assert "/var/lib/hosttune" in surroundings.files("apply") and not surroundings.files("resolve")
    assert not set(surroundings.environment("resolve")) & {"SUDO_UID", "HOSTTUNE_CACHE"}
