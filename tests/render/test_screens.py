"""Every noun as a terminal shows it: narrow, wide, in ASCII and in colour, against golden files; and the room it takes.

`HOSTTUNE_UPDATE_GOLDEN=1 pytest tests/render` rewrites them; read the difference before it is committed.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from hosttune import Options, Place, api
from hosttune.model import Conclusion
from hosttune.render import render
from tests.render.test_diagnosis import _NOFILE, _PORTS, _diagnosis
from tests.render.test_every_format import NOUNS
from tests.render.test_every_format import utc as utc  # a fixture of these too

HERE = Path(__file__).parent
STOCK = HERE.parent / "hosts/debian12-stock.json"
LOOKS: dict[str, dict[str, Any]] = {
    "60": {"width": 60},
    "120": {"width": 120},
    "ascii": {"width": 80, "unicode": False},
    "colour": {"width": 80, "color": True},
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", NOUNS)
def test_a_screen_is_the_reviewed_one(name: str, look: str) -> None:
    made, golden = render(NOUNS[name], "table", **LOOKS[look]), HERE / "golden/screens" / f"{name}.{look}.txt"
    if os.environ.get("HOSTTUNE_UPDATE_GOLDEN") == "1":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(made, encoding="utf-8")
    assert made == golden.read_text(encoding="utf-8")


def test_a_check_of_a_stock_host_fits_a_terminal() -> None:
    report = api.check(Options(role="lb"), Place(snapshot=str(STOCK)), command="hosttune check --role lb")
    text = render(report, "table", width=80)
    assert text.count("\n") <= 24, text
    assert "NOT READY" in text.splitlines()[2]


def test_a_plan_of_three_tiers_fits_a_page() -> None:
    made = dataclasses.replace(api.plan("whitepaper-2019"), command="hosttune plan whitepaper-2019")
    text = render(made, "table", width=80)
    assert text.count("\n") <= 40, text
    assert "SLOW for 1,000,000 connections" in "\n".join(text.splitlines()[:5])


def test_one_cause_takes_sixteen_lines() -> None:
    found = _diagnosis(Conclusion.CAUSE, _PORTS, excluded=(_NOFILE,))
    text = render(found, "table", width=80)
    assert text.count("\n") <= 16, text
