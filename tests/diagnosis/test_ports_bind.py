"""What the rule of bind() makes of pools, words and numbers."""

from __future__ import annotations

from typing import Any

import pytest

from hosttune.diagnosis.rules import ports_bind
from hosttune.model import Backend, BindMode, Certainty
from tests.diagnosis.given import DEFAULT, clues, is_, pool, pools

B = (Backend("10.0.0.9", 1883),)
CASES: dict[str, tuple[Any, Certainty, int | None]] = {
    "a source without a free port": (
        clues(pool(50, mode=BindMode.BIND, free=0), pool(50, mode=BindMode.BIND, free=0, port=1884)),
        Certainty.CERTAIN,
        100,
    ),
    "the same, in TIME_WAIT": (
        clues(
            pool(9, time_wait=41, mode=BindMode.BIND, free=0), pool(9, time_wait=41, mode=BindMode.BIND, free=0, port=1)
        ),
        Certainty.EXCLUDED,
        None,
    ),
    "a source with free ports": (clues(pool(50, mode=BindMode.BIND, free=10)), Certainty.EXCLUDED, None),
    "a full source, and another errno": (clues(pool(100, mode=BindMode.BIND), errno="EMFILE"), Certainty.LIKELY, 100),
    "a full pool of which nothing tells the mode": (
        clues(pool(100), pools=pools(pool(100), unsure=True)),
        Certainty.EXCLUDED,
        None,
    ),
    "the same, and the errno tells": (
        clues(pools=pools(pool(100), unsure=True), errno="EADDRINUSE"),
        Certainty.CERTAIN,
        100,
    ),
    "the errno of connect()": (
        clues(pools=pools(pool(100), unsure=True), errno="EADDRNOTAVAIL"),
        Certainty.EXCLUDED,
        None,
    ),
    "a server's port is taken": (clues(errno="EADDRINUSE", call="bind"), Certainty.POSSIBLE, None),
    "the number of one source": (clues(errno="EADDRINUSE", at=28_225), Certainty.CERTAIN, 28232),
    "the number of two sources": (clues(errno="EADDRINUSE", at=56_400), Certainty.LIKELY, 56464),
    "another number": (clues(errno="EADDRINUSE", at=10_000), Certainty.POSSIBLE, None),
    "one pool for all of ten backends": (clues(at=28_200, backends=B * 10), Certainty.LIKELY, 28232),
    "the same, but ports are seen to be shared": (clues(pool(9), pool(9, port=1), at=28_200), Certainty.EXCLUDED, None),
    "nothing is known": (clues(limits={}), Certainty.UNKNOWN, None),
    "connect() was slow": (clues(errno="none", limits=DEFAULT), Certainty.EXCLUDED, None),
}


@pytest.mark.parametrize(("found", "certainty", "at"), CASES.values(), ids=CASES)
def test_judged(found: Any, certainty: Certainty, at: int | None) -> None:
    is_(ports_bind.judge(found), certainty, at)
