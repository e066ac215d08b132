"""What people saw and what it was: the command line comes to the same from the facts that they gave, and nothing more.

Adding a case is adding a file to tests/diagnosis/incidents; told.py says what stands in it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.diagnosis import told

INCIDENTS = told.cases("incidents")
READINGS = told.cases("readings")
HINTS = told.cases("hints")
_FEWEST = 18


def test_every_incident_is_there() -> None:
    numbers = {case.name[:2] for case in INCIDENTS}
    assert {f"{number:02}" for number in range(1, _FEWEST + 1)} <= numbers


@pytest.mark.parametrize("case", INCIDENTS, ids=lambda case: case.name)
def test_an_incident_is_diagnosed(case: told.Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told.hold(case, tmp_path, capsys)


@pytest.mark.parametrize("case", HINTS, ids=lambda case: case.name)
def test_a_number_alone_is_a_hint(case: told.Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told.hold(case, tmp_path, capsys)


@pytest.mark.parametrize("case", READINGS, ids=lambda case: case.name)
def test_recorded_readings_are_diagnosed(case: told.Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be made here, such as a provider's counters, is held against recorded answers only."""
    told.hold(case, tmp_path, capsys)
