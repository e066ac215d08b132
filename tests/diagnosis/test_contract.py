"""What every rule keeps to, whatever it is given: it says something, and why; and what the answer is made of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hosttune import diagnosis, registry
from hosttune.diagnosis import Clues, errnos, pool_rows, saying
from hosttune.model import BindMode, Certainty, LogHit, Pools, PortPool
from tests.diagnosis import pasted
from tests.diagnosis.given import DEFAULT, KNOWN, WIDE, clues, pool, program

RULES = registry.names("hosttune.diagnosis.rules")
KINDS = ("ports", "ports-bind", "ports-held", "time-wait")


@st.composite
def pool_of(draw: st.DrawFn) -> PortPool:
    size = draw(st.integers(1, 120))
    blocked = draw(st.integers(0, size))
    used = draw(st.integers(0, size - blocked))
    waiting = draw(st.integers(0, size - blocked - used))
    return pool(
        used,
        size,
        blocked=blocked,
        time_wait=waiting,
        mode=draw(st.sampled_from(list(BindMode))),
        source=draw(st.sampled_from(["10.0.0.1", "10.0.0.2"])),
        port=draw(st.integers(1, 3)),
    )


@st.composite
def anything(draw: st.DrawFn) -> Clues:
    found = draw(st.lists(pool_of(), max_size=3))
    pairs = [(one.source, one.backend) for one in found]
    told = {pair: draw(st.sampled_from(["", "it is seen"])) for pair in pairs}
    limit = st.one_of(st.none(), st.integers(0, 2_000))
    hits = st.sampled_from(
        [
            LogHit(known.name, one.causes, "a line", 1, one.errno, one.call)
            for known in KNOWN
            for one in known.log
            if one.causes
        ]
    )
    return clues(
        pools=Pools(tuple(found), told, unsure=frozenset(draw(st.sets(st.sampled_from(pairs))) if pairs else ())),
        errno=draw(st.sampled_from(["", *errnos.ERRNOS])),
        call=draw(st.sampled_from(["", *errnos.CALLS])),
        at=draw(st.one_of(st.none(), st.integers(1, 200_000), st.sampled_from([28_232, 64_512, 1_000]))),
        hits=tuple(draw(st.lists(hits, max_size=2))),
        limits=draw(st.sampled_from([{}, DEFAULT, WIDE])),
        rate=draw(st.integers(0, 2_000)),
        programs=tuple(draw(st.lists(st.builds(program, st.integers(0, 2_000), limit, limit), max_size=2))),
        named=draw(st.booleans()),
        stands={"sockstat.TCP.tw": draw(st.integers(0, 60_000))},
        moved={"Tcp.ActiveOpens": draw(st.integers(0, 9_000))},
    )


@pytest.mark.parametrize("name", RULES)
@given(given_clues=anything())
@settings(max_examples=60)
def test_a_rule_always_speaks_and_says_why(name: str, given_clues: Clues) -> None:
    causes = registry.load("hosttune.diagnosis.rules", name).judge(given_clues)
    assert causes
    for cause in causes:
        assert cause.kind == name.replace("_", "-")
        assert cause.evidence or cause.certainty is Certainty.POSSIBLE, cause
        if cause.certainty is Certainty.POSSIBLE:
            assert cause.confirm, cause
        for text in (cause.what, *map(str, cause.evidence), *map(str, cause.fixes)):
            assert text and "None" not in text, text
        pasted.hold(cause.fixes, shell=False)


@given(anything())
def test_a_full_pool_is_of_one_kind(given_clues: Clues) -> None:
    of_kind = [one for kind in KINDS for one in pool_rows.full(given_clues, kind)]
    assert len(of_kind) == len({id(one) for one in of_kind})
    full = [one for one in given_clues.pools.pools if pool_rows.is_full(given_clues, one)]
    assert {one.source for one in of_kind} == {one.source for one in full}


@given(anything())
def test_a_number_of_pools_is_one_that_stops_there(given_clues: Clues) -> None:
    found = pool_rows.pools_at(given_clues)
    if found:
        count, size = found
        assert saying.near(given_clues.stalled_at, count * size)
        assert pool_rows.destinations(given_clues) in (0, count)


@given(anything())
def test_the_answer_is_the_first_that_is_sure(given_clues: Clues) -> None:
    found: Any = diagnosis.diagnose(given_clues)
    ranks = [(cause.beside, cause.certainty.rank, -cause.strength) for cause in found.causes]
    assert ranks == sorted(ranks)
    sure = [cause for cause in found.causes if cause.certainty in (Certainty.CERTAIN, Certainty.LIKELY)]
    assert (found.conclusion == "cause") == bool(sure)
    assert found.text and "None" not in found.text
    if found.conclusion != "cause" and given_clues.symptom.errno:
        assert found.next
