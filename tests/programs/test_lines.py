"""Lines that the programs themselves wrote at a limit: each is taken for what it is, and is written still."""

from __future__ import annotations

import pytest

from hosttune.diagnosis import log_reading
from hosttune.programs import knowledge
from tests import needs
from tests.programs.lines import play

EVERY = play.every()
LEAST, PROGRAMS = 60, 15


def name(one: play.Line) -> str:
    return f"{one.program}: {one.line[-60:]}"


@pytest.mark.parametrize("one", EVERY, ids=name)
def test_a_line_is_taken_for_what_it_is(one: play.Line) -> None:
    hits = log_reading.recognise(one.line.encode(), knowledge.every())
    told = [" ".join((hit.program, hit.causes[0], hit.errno or "-", hit.call or "-")) for hit in hits]
    assert told == ([] if one.told == "nothing" else [one.told])
    assert {name: value for hit in hits for name, value in hit.numbers.items()} == one.numbers


def test_a_line_is_written_by_a_program_or_has_a_source() -> None:
    assert [one for one in EVERY if bool(one.scene) is bool(one.source)] == []
    assert all(one.version and one.packages and one.programs for one in EVERY if one.scene)


def test_so_many_lines_of_so_many_programs_are_known() -> None:
    written = {(one.program, one.line) for one in EVERY if one.scene}
    assert len(written) >= LEAST and len({program for program, _ in written}) >= PROGRAMS


@pytest.mark.slow
@pytest.mark.parametrize("one", [one for one in EVERY if one.ci], ids=name)
def test_the_program_writes_it_still(one: play.Line) -> None:
    needs.need("namespaces", "ip", *one.programs)
    found, text = play.written(one)
    assert found, text[-2000:]
