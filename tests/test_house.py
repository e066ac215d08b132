"""The house as the page `contributing` has it: read as text, so that no import is needed to hold it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
PACKAGE = REPO / "hosttune"
LONGEST = 320
"""Lines of a file."""
VERBS = 2_320
"""Lines of commands/ and cli/ together: options in, api, terminal out."""
COLLECTION = PACKAGE / "hooks/_collection"
"""Ansible's part, whose modules have their documentation in them and import what only Ansible has."""


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders or (".",):
        yield from (path for path in sorted((PACKAGE / folder).rglob("*.py")) if COLLECTION not in path.parents)


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_a_file_can_be_read_at_once() -> None:
    assert not {str(path.relative_to(REPO)): lines(path) for path in sources() if lines(path) > LONGEST}


def test_a_verb_is_a_dozen_lines() -> None:
    assert sum(map(lines, sources("commands", "cli"))) <= VERBS


def test_nothing_passes_its_locals_on() -> None:
    assert not [str(path) for path in sources() if re.search(r"\blocals\(\)", path.read_text())]


@pytest.mark.slow
def test_what_is_private_to_a_package_is_not_imported_from_another() -> None:
    wrong = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("hosttune"):
                continue
            words = [*str(node.module).split("."), *(name.name for name in node.names)]
            if any(word.startswith("_") and not word.startswith("__") for word in words):
                wrong.append(f"{path.relative_to(REPO)}:{node.lineno}: {' '.join(words)}")
    assert not wrong


def test_the_map_names_what_is_there() -> None:
    chapter = (PACKAGE / "docs/contributing.md").read_text().partition("\n## Development\n")[2].partition("\n## ")[0]
    assert 15 <= len(chapter.strip().splitlines()) <= 30
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders <= set(re.findall(r"\w+", chapter)), folders - set(re.findall(r"\w+", chapter))
    for name in re.findall(r"`((?:\w+/)+)", chapter):
        assert (PACKAGE / name).is_dir() or (REPO / name).is_dir(), name
