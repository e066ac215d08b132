"""A module in a plug-in folder is a plug-in, also one in a directory that was added to the folder's path."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from hosttune import registry
from hosttune.capacity import bounds
from hosttune.programs import given

PACKAGE = "hosttune.capacity.bounds"
SHELVES = ("envoy", "haproxy", "mosquitto", "nginx", "tsung")


def test_each_file_is_one() -> None:
    files = {path.stem for path in Path(bounds.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(registry.names(PACKAGE)) == files
    assert list(registry.names(PACKAGE)) == sorted(files)


def test_what_is_late_is_imported_once_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "late_package"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from hosttune import registry\n__getattr__ = registry.late(__name__, part=('one', 'other'))\n"
    )
    (package / "part.py").write_text("one, other = object(), object()\n")
    monkeypatch.syspath_prepend(tmp_path)
    late = importlib.import_module("late_package")
    assert "late_package.part" not in sys.modules
    assert not hasattr(late, "third")
    assert late.one is late.one is sys.modules["late_package.part"].one
    for name in ("late_package", "late_package.part"):
        sys.modules.pop(name)


@pytest.mark.parametrize("package", ["hosttune.model", *(f"{given.SHELVES}.{name}" for name in SHELVES)])
def test_each_late_name_is_there_and_no_part_takes_the_place_of_one(package: str) -> None:
    module = importlib.import_module(package)
    parts = {part.stem for part in Path(str(module.__file__)).parent.glob("*.py")}
    names = getattr(module, "__all__", ("command", "files"))
    assert not parts.intersection(names)
    assert all(hasattr(module, name) for name in names)


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
