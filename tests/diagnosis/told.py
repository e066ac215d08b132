"""Cases as data files: the facts that are given and nothing more, what must be concluded, and what must not.

A file has `title`, `source`, `seen` (the story), `options` as a person would give them, `log` (the text of a log), and
what a recorded host answers: [reads] by path, [probes] by question, [again.reads] and [again.probes] of the second
gathering, [[programs]] with what of each is known. `expect` are the verdicts that may be (a kind of cause, or
not-enough, own-limit, nothing), `least` and `most` how certain a cause must and may be, `next` words that must stand in
what to read next, `says` words of the printed answer. `needs` is a rule without which the case cannot be judged.

[[counter]]: the same facts but for what is given here, and `why`; `not` are the verdicts that it then must not have,
unless it is less certain than `most`; or `expect`, `next` and `says` as above.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hosttune import registry
from hosttune.cli import app
from hosttune.model import Certainty
from tests.diagnosis import pasted

HERE = Path(__file__).parent
_SCHEMA = json.loads((files("hosttune.render") / "diagnosis.schema.json").read_text("utf-8"))
_PROGRAM: dict[str, Any] = {
    "pid": 812,
    "name": "program",
    "uid": 0,
    "soft": None,
    "hard": None,
    "ticks": 0,
    "system_ticks": 0,
    "threads": 1,
    "exempt": None,
    "listens": [],
}


@dataclass(frozen=True)
class Case:
    """One set of facts, and what is to be made of it."""

    name: str
    facts: dict[str, Any]

    def get(self, key: str, default: Any = ()) -> Any:
        return self.facts.get(key, default)


def cases(directory: str) -> list[Case]:
    """Return every case of a directory, and after each what contradicts it."""
    found = []
    for path in sorted((HERE / directory).glob("*.toml")):
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
        counters = facts.pop("counter", [])
        found.append(Case(path.stem, facts))
        for number, other in enumerate(counters, 1):
            found.append(Case(f"{path.stem} but {number}", _but(facts, other)))
    return found


def _but(facts: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return facts with other ones in their place; what was expected of the first is not expected of these."""
    kept = {k: v for k, v in facts.items() if k not in ("expect", "least", "most", "next", "says")}
    tables = {k: {**kept.get(k, {}), **v} for k, v in other.items() if k in ("reads", "probes", "again")}
    return {**kept, **other, **tables}


def hold(case: Case, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Diagnose the case by the command line, and compare; skip it where the rule is not there yet."""
    missing = [rule for rule in case.get("needs", []) if rule not in registry.names("hosttune.diagnosis.rules")]
    if missing:
        pytest.skip(f"no rule {', '.join(missing)}")
    found = json.loads(_run(case, directory, capsys, "--format", "json"))
    jsonschema.validate(found, _SCHEMA)
    pasted.hold(fix for cause in found["causes"] for fix in cause["fixes"])
    text = " ".join((_run(case, directory, capsys) + _run(case, directory, capsys, "-v")).split())
    cause = found["causes"][0] if found["conclusion"] == "cause" else None
    verdict = cause["kind"] if cause else found["conclusion"]
    told = f"{verdict} ({cause['certainty'] if cause else ''})\n{text}"
    if case.get("expect"):
        assert verdict in case.facts["expect"], told
    if cause:
        _weigh(case, cause, told)
    else:
        assert verdict not in case.get("not"), told
    certain = {one["kind"] for one in found["causes"] if one["certainty"] == "certain"}
    assert certain <= set(case.get("expect")), f"certain of {certain}: {told}"
    following = " ".join([*found["next"], *(one["confirm"] for one in found["causes"])])
    for word in case.get("next"):
        assert word in following, f"{word!r} is not to be read next: {following}\n{told}"
    for word in case.get("says"):
        assert word in text, f"{word!r} is not said: {told}"


def _weigh(case: Case, cause: dict[str, Any], told: str) -> None:
    rank = Certainty(cause["certainty"]).rank
    if cause["kind"] in case.get("not"):
        # it is a cause, so it is likely at least
        assert case.get("most") and rank >= Certainty(case.facts["most"]).rank, told
    if case.get("least"):
        assert rank <= Certainty(case.facts["least"]).rank, told
    if case.get("most"):
        assert rank >= Certainty(case.facts["most"]).rank, told


def _run(case: Case, directory: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    snapshot = directory / "snapshot.json"
    snapshot.write_text(json.dumps(_snapshot(case)))
    args = ["diagnose", "--snapshot", str(snapshot), *case.get("options"), *more]
    if case.get("log"):
        log = directory / "program.log"
        log.write_text(case.facts["log"])
        args += ["--log", str(log)]
    code = app(args, prog_name="hosttune", standalone_mode=False)
    assert code in (0, 1, 3)
    return capsys.readouterr().out


def _snapshot(case: Case) -> dict[str, Any]:
    again = case.get("again", {})
    first = _answers(case, case.get("reads", {}), case.get("probes", {}))
    if not again:
        return {"schema": "hosttune/snapshot/1", **first}
    reads = {**case.get("reads", {}), **again.get("reads", {})}
    probes = {**case.get("probes", {}), **again.get("probes", {})}
    return {"schema": "hosttune/snapshot/1", **first, "again": _answers(case, reads, probes)}


def _answers(case: Case, reads: dict[str, str], probes: dict[str, Any]) -> dict[str, Any]:
    programs = [{**_PROGRAM, **one} for one in case.get("programs")]
    asked = {'programs {"inodes": [], "pids": null}': {"programs": programs, "unseen": 0}} if programs else {}
    return {
        "reads": {path: {"is": text} for path, text in reads.items()},
        "globs": {},
        "probes": {question: {"is": answer} for question, answer in {**asked, **probes}.items()},
        "links": {},
    }
