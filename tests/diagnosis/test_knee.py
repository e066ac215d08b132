"""What the rule of the knee makes of pools, counters and silence."""

from __future__ import annotations

from typing import Any

import pytest

from hosttune.diagnosis.rules import knee
from hosttune.model import Certainty, Program
from tests.diagnosis.given import WIDE, clues, is_, pool

OPENED = "Tcp.ActiveOpens"
SPENT = {
    "programs": (Program(7, "client", 0, 1_300, 20_000, 20_000, system_ticks=90, ticks=95),),
    "earlier": (Program(7, "client", 0, 1_300, 20_000, 20_000, system_ticks=10, ticks=11),),
}
CASES: dict[str, tuple[Any, Certainty, int | None]] = {
    "beyond it, and connections are made": (clues(pool(1_200, 2_000), moved={OPENED: 2_000}), Certainty.LIKELY, 1000),
    "the same, and a program spends that time": (
        clues(pool(12_000, 20_000), moved={OPENED: 1_000}, **SPENT),
        Certainty.CERTAIN,
        10000,
    ),
    "a program is busy with something else": (
        clues(pool(1_200, 2_000), moved={OPENED: 10}, **SPENT),
        Certainty.EXCLUDED,
        None,
    ),
    "beyond it, few are made": (clues(pool(1_200, 2_000), moved={OPENED: 10}), Certainty.EXCLUDED, None),
    "beyond it, how many are made is not known": (clues(pool(1_200, 2_000)), Certainty.POSSIBLE, 1000),
    "beyond it, stopped there": (clues(pool(1_200, 2_000), at=1_200, moved={OPENED: 0}), Certainty.POSSIBLE, 1000),
    "beyond it, stopped elsewhere": (clues(pool(1_200, 2_000), at=500, moved={OPENED: 0}), Certainty.EXCLUDED, None),
    "beyond it, and it is slow": (clues(pool(12_000, 20_000), errno="none"), Certainty.LIKELY, 10000),
    "beyond it, slow, but a search is short": (clues(pool(120, 200), errno="none"), Certainty.POSSIBLE, 100),
    "beyond it, slow, at a great rate": (clues(pool(1_200, 2_000), errno="none", rate=2_000), Certainty.LIKELY, 1000),
    "beyond it, an errno, few are made": (
        clues(pool(1_200, 2_000), errno="EMFILE", moved={OPENED: 1}),
        Certainty.EXCLUDED,
        None,
    ),
    "beyond it, and an errno": (
        clues(pool(1_200, 2_000), errno="EMFILE", moved={OPENED: 2_000}),
        Certainty.POSSIBLE,
        1000,
    ),
    "below it": (clues(pool(900, 2_000), moved={OPENED: 2_000}), Certainty.EXCLUDED, None),
    "full": (clues(pool(2_000, 2_000), moved={OPENED: 2_000}), Certainty.EXCLUDED, None),
    "slow from half of the range": (clues(at=32_000, errno="none", limits=WIDE), Certainty.LIKELY, 32256),
    "stopped at half of the range": (clues(at=14_116), Certainty.POSSIBLE, 14116),
    "slow from half of the range, once": (clues(pool(9, 28_232), at=14_116, errno="none"), Certainty.POSSIBLE, 14116),
    "an errno at half of the range": (clues(at=14_116, errno="EMFILE"), Certainty.EXCLUDED, None),
    "nothing is known": (clues(limits={}), Certainty.UNKNOWN, None),
}


@pytest.mark.parametrize(("found", "certainty", "at"), CASES.values(), ids=CASES)
def test_judged(found: Any, certainty: Certainty, at: int | None) -> None:
    is_(knee.judge(found), certainty, at)
