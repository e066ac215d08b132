"""A machine of files for each test, and a way to carry an apply out on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.changes import acts, tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree.make(tmp_path / "host")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that carries an apply out and gives its exit code and the document that it printed."""

    def carry_out(root: Path, asked: acts.Asked) -> tuple[int, dict[str, Any]]:
        code = acts.apply(tree.Host(root), asked)
        return code, json.loads(capsys.readouterr().out)

    return carry_out
