"""The lines of a record: what is written is read back, a torn line harms no other, thinning loses no maximum."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from hosttune.model import Reason, Run, Tick, Unknown, Use
from hosttune.watching import record
from tests.watching.made import tick, use

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "hosttune/render/record.schema.json").read_text())
RUN = Run(1_000_000_000.0, "lb01", "Debian 12", "6.1", 8, 1 << 34, 1.0, "hosttune watch", {"fs.file-max": "10"})


def written(ticks: list[Tick]) -> list[str]:
    known: set[str] = set()
    lines = [record.text(record.head(RUN))]
    for one in ticks:
        if names := record.names(one.uses, known):
            lines.append(record.text(names))
        lines.append(record.text(record.look(one)))
    return lines


def climb(count: int) -> list[Tick]:
    return [tick(float(n), use(n), use(n * 2, None, 7, "ports:a->b"), Tcp_ActiveOpens=n) for n in range(count)]


def test_what_is_written_holds_to_the_schema_and_is_read_back() -> None:
    unknown = Use("neighbours", "neighbours", 3, Unknown(Reason.INVISIBLE, "x"), "entries", "y")
    ticks = [*climb(3), tick(3.0, unknown, ages={"neighbours": 2.0})]
    lines = written(ticks)
    for line in lines:
        jsonschema.validate(json.loads(line), SCHEMA)
    found = record.read(lines)
    assert found.runs == (RUN,) and found.torn == 0
    assert found.ticks[:3] == tuple(ticks[:3])
    assert isinstance(found.ticks[3].uses[0].limit, Unknown) and found.ticks[3].ages == {"neighbours": 2.0}


@given(st.integers(0, 4_000))
def test_wherever_a_line_is_torn_the_others_are_read(cut: int) -> None:
    text = "".join(written(climb(8)))[: 900 + cut]
    whole = text.count('\n{"time"') - (not text.endswith("\n") and '\n{"time"' in text[text.rindex("\n") :])
    found = record.read(text.splitlines(keepends=True))
    assert len(found.ticks) in (whole, whole + 1) and found.torn <= 1


def test_lines_that_are_no_look_are_counted() -> None:
    lines = [*written(climb(2)), '{"time": 1}\n', "[]\n", "\n", '{"time":5,"at":1,"counters":[],"uses":[],"cost":0}\n']
    found = record.read(lines)
    assert len(found.ticks) == 2 and found.torn == 3


def test_thinning_halves_the_past_and_keeps_every_maximum_and_the_newest() -> None:
    ticks = climb(100)
    ticks[31] = tick(31.0, use(9_999), Tcp_ActiveOpens=31)
    lines = written(ticks)
    thin = record.read(record.thinned(lines, 100)).ticks
    assert 60 <= len(thin) <= 66 and thin[0] == ticks[0]
    assert max(one.used for t in thin for one in t.uses if one.id == "conntrack") == 9_999
    assert [t.time for t in thin[-24:]] == [t.time for t in ticks[-24:]]
    assert thin[1].counters["Tcp.ActiveOpens"] == 2  # of two the later: counters only rise


def test_thinning_keeps_both_sides_of_a_limit_that_changed() -> None:
    ticks = [tick(float(n), use(n, 1_000 if n < 22 else 2_000)) for n in range(60)]
    thin = record.read(record.thinned(written(ticks), 60)).ticks
    at = {t.at: t.uses[0].limit for t in thin}
    assert at[21.0] == 1_000 and at[22.0] == 2_000


def test_thinning_drops_what_is_torn_and_keeps_every_run() -> None:
    lines = [*written(climb(20)), '{"time": 3', *written(climb(20))]
    found = record.read(record.thinned(lines, 40))
    assert found.torn == 0 and len(found.runs) == 2


def test_of_more_looks_than_a_chart_shows_neighbours_are_one_with_the_highest_use() -> None:
    ticks = [tick(float(n), use(999 if n == 4_321 else n % 7), a_b=n) for n in range(10_000)]
    found = record.read(written(ticks), 10_000)
    assert found.looks == 10_000 and len(found.ticks) == 2_000
    assert max(one.uses[0].used for one in found.ticks) == 999
    assert found.ticks[-1].counters == {"a.b": 9_999}


def test_a_limit_that_changes_is_seen_among_many_looks() -> None:
    ticks = [tick(float(n), use(1, 1_000 if n < 5_000 else 2_000)) for n in range(10_000)]
    found = record.read(written(ticks), 10_000)
    assert {one.uses[0].limit for one in found.ticks} == {1_000, 2_000} and len(found.ticks) <= 2_001
