"""What the rule of TIME_WAIT makes of pools, sockstat, words and rates."""

from __future__ import annotations

from typing import Any

import pytest

from hosttune.diagnosis.rules import time_wait
from hosttune.model import Backend, Certainty
from tests.diagnosis.given import DEFAULT, clues, is_, pool

B = (Backend("10.0.0.9", 1883),)
BUSY = {"sockstat.TCP.tw": 48_611, "sockstat.TCP.inuse": 2_866}
REUSED = {**DEFAULT, "net.ipv4.tcp_tw_reuse": 1, "net.ipv4.tcp_timestamps": 1}
CASES: dict[str, tuple[Any, Certainty, int | None]] = {
    "TIME_WAIT fills the pool": (clues(pool(10, 6_000, time_wait=5_990)), Certainty.CERTAIN, 100),
    "the same, and another errno": (clues(pool(10, 6_000, time_wait=5_990), errno="EMFILE"), Certainty.LIKELY, 100),
    "much of it, and room": (clues(pool(10, time_wait=80)), Certainty.EXCLUDED, None),
    "all of it, but it can be taken over": (clues(pool(10, time_wait=90, reused=90)), Certainty.EXCLUDED, None),
    "the same, and the errno: not within a second": (
        clues(pool(10, time_wait=90, reused=90), errno="EADDRNOTAVAIL"),
        Certainty.LIKELY,
        470,
    ),
    "sockstat and the errno": (clues(errno="EADDRNOTAVAIL", stands=BUSY), Certainty.LIKELY, 470),
    "sockstat alone": (clues(stands=BUSY), Certainty.EXCLUDED, None),
    "sockstat, the errno, and no range": (
        clues(errno="EADDRNOTAVAIL", stands=BUSY, limits={}),
        Certainty.EXCLUDED,
        None,
    ),
    "the rate and the errno": (clues(errno="EADDRNOTAVAIL", rate=1_000), Certainty.LIKELY, 470),
    "the rate alone": (clues(rate=1_000), Certainty.POSSIBLE, 470),
    "a rate that three backends carry": (clues(rate=1_000, backends=B * 3), Certainty.UNKNOWN, None),
    "a rate that tcp_tw_reuse carries": (clues(rate=1_000, limits=REUSED), Certainty.UNKNOWN, None),
    "a rate beyond that": (clues(rate=30_000, limits=REUSED), Certainty.POSSIBLE, 28232),
    "the errno alone": (clues(errno="EADDRNOTAVAIL", limits={}), Certainty.POSSIBLE, None),
    "another errno": (clues(errno="EMFILE"), Certainty.EXCLUDED, None),
    "nothing is known": (clues(limits={}), Certainty.UNKNOWN, None),
}


@pytest.mark.parametrize(("found", "certainty", "at"), CASES.values(), ids=CASES)
def test_judged(found: Any, certainty: Certainty, at: int | None) -> None:
    is_(time_wait.judge(found), certainty, at)
