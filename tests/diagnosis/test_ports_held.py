"""What the rule of ports that others hold makes of pools."""

from __future__ import annotations

from typing import Any

import pytest

from hosttune.diagnosis.rules import ports_held
from hosttune.model import BindMode, Certainty
from tests.diagnosis.given import clues, is_, pool, pools

CASES: dict[str, tuple[Any, Certainty, int | None]] = {
    "others hold as many as are used": (clues(pool(50, blocked=50)), Certainty.CERTAIN, 50),
    "others hold all": (clues(pool(0, blocked=100)), Certainty.CERTAIN, 0),
    "others hold fewer": (clues(pool(60, blocked=40)), Certainty.EXCLUDED, None),
    "others hold most, and there is room": (clues(pool(20, blocked=60)), Certainty.EXCLUDED, None),
    "one of two sources binds, which is not known": (
        clues(pools=pools(pool(50, blocked=50), unsure=True, told="one binds")),
        Certainty.LIKELY,
        50,
    ),
    "another errno": (clues(pool(50, blocked=50), errno="EMFILE"), Certainty.LIKELY, 50),
    "nothing is known": (clues(), Certainty.UNKNOWN, None),
    "a program's own range": (clues(pool(20, mode=BindMode.EXPLICIT)), Certainty.EXCLUDED, None),
}


@pytest.mark.parametrize(("found", "certainty", "at"), CASES.values(), ids=CASES)
def test_judged(found: Any, certainty: Certainty, at: int | None) -> None:
    is_(ports_held.judge(found), certainty, at)
