"""A module in a plug-in folder is a plug-in, also one in a directory that was added to the folder's path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hosttune import registry
from hosttune.capacity import bounds

PACKAGE = "hosttune.capacity.bounds"


def test_each_file_is_one() -> None:
    files = {path.stem for path in Path(bounds.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(registry.names(PACKAGE)) == files
    assert list(registry.names(PACKAGE)) == sorted(files)


def test_one_from_elsewhere_is_seen_while_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = registry.names(PACKAGE)
    (tmp_path / "mine.py").write_text("WORD = 'mine'\n")
    (tmp_path / "_not.py").touch()
    monkeypatch.setattr(bounds, "__path__", [*bounds.__path__, str(tmp_path)])
    assert set(registry.names(PACKAGE)) == {*before, "mine"}
    assert registry.load(PACKAGE, "mine").WORD == "mine"
    monkeypatch.undo()
    sys.modules.pop(f"{PACKAGE}.mine")
    assert registry.names(PACKAGE) == before
    with pytest.raises(KeyError):
        registry.load(PACKAGE, "mine")
