"""What refused setrlimit() is arithmetic: of the number that was asked for, the hard limit and fs.nr_open."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from hosttune import kernel
from hosttune.diagnosis import raising
from hosttune.diagnosis.raising import By
from hosttune.diagnosis.rules import denied, nofile, nr_open
from hosttune.model import Certainty
from tests.diagnosis.given import clues, hit, program

NUMBERS = st.integers(64, 4_000_000)


@given(NUMBERS, NUMBERS, NUMBERS, st.sampled_from([None, False, True]))
def test_exactly_one_of_three_refused_it(wanted: int, hard: int, ceiling: int, able: bool | None) -> None:
    one = dataclasses.replace(program(10, min(hard, 1024), hard), resource=able)
    line = hit("nofile", "nr-open", errno="EPERM", call="setrlimit", wanted=wanted)
    seen = clues(limits={"fs.nr_open": ceiling}, hits=(line,), programs=(one,), named=True)
    if wanted > ceiling or hard > ceiling:
        by = By.CEILING
    elif wanted > hard and not able:
        by = By.HARD
    else:
        by = By.NEITHER
    assert raising.refusal(seen).by is by
    rules = {By.CEILING: nr_open, By.HARD: nofile, By.NEITHER: denied}
    for which, rule in rules.items():
        (cause,) = rule.judge(seen)
        held = Certainty.POSSIBLE if which is By.NEITHER else Certainty.CERTAIN
        assert cause.certainty is (held if which is by else Certainty.EXCLUDED), cause


@given(NUMBERS, st.one_of(st.none(), NUMBERS))
def test_a_line_alone_is_no_more_than_likely(wanted: int, ceiling: int | None) -> None:
    line = hit("nofile", "nr-open", errno="EPERM", call="setrlimit", wanted=wanted, soft=512)
    seen = clues(limits={} if ceiling is None else {"fs.nr_open": ceiling}, hits=(line,))
    (cause,) = nofile.judge(seen)
    if wanted <= (kernel.NR_OPEN if ceiling is None else ceiling):
        assert (
            cause.certainty is Certainty.LIKELY and cause.at is None
        )  # the soft limit that it wrote is not the hard one
    else:
        assert cause.certainty is (Certainty.POSSIBLE if ceiling is None else Certainty.EXCLUDED)
