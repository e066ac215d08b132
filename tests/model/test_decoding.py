"""Documents are read by the types that they are written of: what is written comes back, and nothing else comes in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import hosttune
from hosttune import Options, Place
from hosttune.model import Report
from hosttune.model.decoding import decode
from hosttune.render.formats import json as formatted

SNAPSHOT = str(Path(__file__).parents[1] / "hosts/debian12-drift.json")
REPORT = hosttune.check(Options(role="lb", backend="10.0.0.11:1883"), Place(snapshot=SNAPSHOT))


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(formatted.render(REPORT))
    return found


def test_what_is_written_is_read() -> None:
    assert decode(Report, document()) == REPORT


WRONG: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "a text for a number": (("workload", "connections"), "5"),
    "a truth for a number": (("workload", "connections"), True),
    "a number for a text": (("machine", "hostname"), 5),
    "a text for a list": (("roles",), "lb"),
    "no such verdict": (("findings", 0, "verdict"), "FINE"),
    "no such reason": (("bounds", 0, "hard"), {"unknown": "NOT SO", "detail": ""}),
    "no subject": (("findings", 0, "subject"), "somaxconn"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_not_written_so_is_one_line(case: str) -> None:
    path, value = WRONG[case]
    found = document()
    at: Any = found
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(ValueError, match=str(path[0])) as caught:
        decode(Report, found)
    assert "\n" not in str(caught.value) and len(str(caught.value)) <= 200


def test_what_is_missing_is_named_and_what_is_more_is_passed_over() -> None:
    found = document()
    assert decode(Report, {**found, "of_a_later_release": 1}) == REPORT
    del found["machine"]
    with pytest.raises(ValueError, match="machine: field required"):
        decode(Report, found)
