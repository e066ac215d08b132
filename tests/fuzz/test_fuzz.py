"""A short run of the fuzzing, inputs that failed once, and that the fuzzing sees failures at all."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import __main__ as command
from tests.fuzz import keep, tree, worker
from tests.fuzz import part as parts_
from tests.fuzz.part import Given, Part, Wrong
from tests.fuzz.run import Plan, carry_out

FOUND = sorted(Path(__file__).with_name("found").glob("*.json"))


def test_a_short_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # the same each time: what a new seed finds is for `python -m tests.fuzz`, not for whoever changes something else
    seed = os.environ.get("HOSTTUNE_FUZZ_SEED", "1")
    code = command.main(["--seconds", "25", "--seed", seed, "--save", str(tmp_path)])
    said = capfd.readouterr().out
    assert code == 0, said + "".join(path.read_text() for path in sorted(tmp_path.glob("*.json"))[:3])
    assert "FAILED" not in said


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_what_failed_once_holds(path: Path) -> None:
    assert command.main(["--replay", str(path)]) == 0


def _grow(given: Given) -> bool:
    return bool(b"x" * (2 * worker.MEMORY))


def _spin(given: Given) -> bool:
    while True:
        pass


def _die(given: Given) -> bool:
    os._exit(7)


def _wrong(given: Given) -> bool:
    if "!" in given["text"]:
        raise Wrong("an exclamation mark")
    return True


@pytest.mark.parametrize(
    ("run", "where"),
    [
        (_grow, "MemoryError in test_fuzz.py:_grow"),
        (_spin, "too long"),
        (_die, "ends with 7"),
        (_wrong, "an exclamation mark"),
        (lambda given: given["no such"], "KeyError in test_fuzz.py:<lambda>"),
    ],
)
def test_a_failure_is_seen_kept_and_made_small(
    run: object, where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "SECONDS", 0.3)
    monkeypatch.setattr(keep, "_TRYING", 2.0)
    part = Part("made", lambda random: {"text": "ab!cd" * 20 + random.choice("xy")}, run)  # type: ignore[arg-type]
    assert carry_out(Plan((part,), "1", 2, 0.0, 1, tmp_path)) == 1
    said = capsys.readouterr().out
    assert f"FAILED made 0: {where}" in said and "made " in said.splitlines()[-3]
    (kept,) = tmp_path.glob("*.json")
    name, given = keep.load(kept)
    assert name == "made"
    if run is _wrong:
        assert given == {"text": "!"}


def test_too_few_inputs_past_the_schema_are_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = Part("made", lambda random: {"n": random.random()}, lambda given: given["n"] < 0.3, schema=True)
    assert carry_out(Plan((part,), "1", 200, 0.0, 1, tmp_path)) == 1
    assert "of its inputs got past the schema" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_the_same_seed_makes_the_same_inputs() -> None:
    for part in parts_.parts():
        assert part.input("seed", 3) == part.input("seed", 3), part.name
        if part.name != "plan --reports":  # of which the samples are made on this host, at this time
            assert part.input("seed", 3) != part.input("seed", 5) or part.input("seed", 3) != part.input("seed", 4)


def test_tables_are_written_as_toml() -> None:
    import tomllib

    tables = {
        "a": {"b": 1, "c": [1, 'x\n"\\'], "d": {"e f": True, "g": 0.5}},
        "h": [{"i": 1}, {"j": {"k": [2]}}],
        "l": "ä\x7f",
    }
    tables = dict(sorted(tables.items(), key=lambda item: isinstance(item[1], str), reverse=True))
    assert tomllib.loads(tree.toml(tables)) == tables
    for number in range(200):
        random = Random(number)
        tree.toml(tree.change(random, tables, wild=0.5))


def test_an_unknown_part_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "no such part"]) == 2
    assert "sysctl.d" in capsys.readouterr().out
