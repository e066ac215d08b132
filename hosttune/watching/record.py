"""A record of many looks as lines of JSON: how each is written and read, and how the past is thinned out.

A line is the head of a run (`schema` hosttune/record/1), the `names` of uses that appear, or a look (`time`). A look's
`uses` are rows of id, used, limit (null for none, "?" where it could not be read), knee, age. Lines that are none of
these, such as one that a kill has torn, are counted and left out.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hosttune.model import Reason, Record, Run, Tick, Unknown, Use

SCHEMA = "hosttune/record/1"
_RECENT = 0.25
"""The part of the looks, the newest, that stays as it is when the others are thinned out."""

_LOOKS = 2_000  # of a chart 1,000 points wide
_LINES, _FIGURES, _NAMES = 200_000, 1_000_000, 20_000

Line = dict[str, Any]
_Name = tuple[str, str, str, str, tuple[str, ...]]  # of a use: its name, unit, where it is read, kind and parts
_WRONG = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)
_LARGEST = 1 << 64  # no counter of the kernel is wider
_LATEST = 1e11  # seconds since 1970: what lies beyond is no time


def head(run: Run) -> Line:
    """Return the line that a run begins with."""
    return {"schema": SCHEMA, **dataclasses.asdict(run)}


def is_head(line: str) -> bool:
    """Say whether a line is the head of a run, of a schema that is known here."""
    document = _parsed(line)
    return document is not None and document.get("schema") == SCHEMA


def names(uses: Iterable[Use], known: set[str]) -> Line:
    """Return the line that names the uses that are not known yet, and note them; empty where all are known."""
    new = {use.id: [use.name, use.unit, use.reads, use.kind, *use.of] for use in uses if use.id not in known}
    known.update(new)
    return {"names": new} if new else {}


def look(tick: Tick) -> Line:
    """Return the line of a look."""
    rows = [
        [u.id, u.used, "?" if isinstance(u.limit, Unknown) else u.limit, u.knee, round(tick.ages.get(u.id, 0.0), 1)]
        for u in tick.uses
    ]
    cost = None if tick.cost is None else round(tick.cost, 4)
    return {"time": round(tick.time, 2), "at": tick.at, "counters": dict(tick.counters), "uses": rows, "cost": cost}


def text(line: Line) -> str:
    """Return a line as it is written."""
    return json.dumps(line, separators=(",", ":"), ensure_ascii=True) + "\n"


def read(lines: Iterable[str], looks: int = 0) -> Record:
    """Return what lines hold; those that cannot be read are counted.

    `looks` is how many looks there are, where that is known: of more than a chart can show, neighbours are made one,
    with the highest use of all. Raises ValueError for more than any watch records: lines, figures or names.
    """
    runs: list[Run] = []
    ticks: list[Tick] = []
    known: dict[str, _Name] = {}
    torn = figures = 0
    if looks > _LINES:
        raise ValueError("more in it than a watch records")
    for number, line in enumerate(_joined(lines, -(-looks // _LOOKS))):
        if number > _LINES or figures > _FIGURES or len(known) > _NAMES:
            raise ValueError("more in it than a watch records")
        try:
            if line is None:
                torn += 1
            elif "schema" in line:
                runs.append(_run(line))
            elif "names" in line:
                known.update({str(id): _name(row) for id, row in line["names"].items()})
            else:
                ticks.append(_tick(line, known))
                figures += len(ticks[-1].uses) + len(ticks[-1].counters)
        except _WRONG:
            torn += 1
    return Record(tuple(runs), tuple(sorted(ticks, key=lambda tick: tick.time)), torn, max(looks, len(ticks)))


def _joined(lines: Iterable[str], many: int) -> Iterator[Line | None]:
    """Yield what is in each line, None for one that cannot be read, with so many looks in a row made one."""
    waiting: Line | None = None
    held = apart = 0
    for line in lines:
        parsed = _parsed(line)
        if parsed is None and not line.strip():
            continue
        if parsed is None or many < 2 or "time" not in parsed:
            yield from (waiting,) if waiting is not None else ()
            waiting = None
            yield parsed
            continue
        merged = _together(waiting, parsed)
        if merged is None and apart < _LOOKS:  # a limit changed: both stay
            yield waiting
            apart, held = apart + 1, 0
        held = held + 1 if waiting is not None else 1
        waiting = merged or parsed  # where it changes all the time, the last one stays
        if held >= many:
            yield waiting
            waiting = None
    if waiting is not None:
        yield waiting


def _together(waiting: Line | None, parsed: Line) -> Line | None:
    """Return two looks as one, None where they cannot be."""
    try:
        return parsed if waiting is None else _merged(waiting, parsed)
    except _WRONG:
        return None


def thinned(lines: Iterable[str], looks: int) -> Iterator[str]:
    """Yield the lines of a record with every two neighbouring looks made one, but for the newest; `looks` are there.

    Of two the later one stays, with the higher use of both, so that no maximum is lost; counters only rise, so theirs
    is the later one too. Two between which a limit changed both stay, and so does the first of a run: it began there.
    """
    waiting: Line | None = None
    seen, begins = 0, False
    for line in lines:
        parsed = _parsed(line)
        if parsed is None:
            continue
        if "time" not in parsed:
            yield from _lines(waiting)
            waiting = None
            begins |= "schema" in parsed
            yield text(parsed)
            continue
        seen += 1
        if begins or seen > looks * (1 - _RECENT):
            yield from _lines(waiting)
            waiting, begins = None, False
            yield text(parsed)
        elif waiting is None:
            waiting = parsed
        else:
            try:
                merged = _merged(waiting, parsed)
            except _WRONG:
                merged = None
            yield from _lines(*((waiting, parsed) if merged is None else (merged,)))
            waiting = None
    yield from _lines(waiting)


def _lines(*parsed: Line | None) -> Iterator[str]:
    yield from (text(line) for line in parsed if line is not None)


def _merged(first: Line, last: Line) -> Line | None:
    """Return two looks as one, None where a limit is not the same in both."""
    before = {row[0]: row for row in first["uses"]}
    rows = []
    for row in last["uses"]:
        old = before.get(row[0], row)
        if old[2:4] != row[2:4]:
            return None
        rows.append([row[0], max(old[1], row[1]), *row[2:]])
    return {**last, "uses": rows}


def _parsed(line: str) -> Line | None:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _run(line: Mapping[str, Any]) -> Run:
    stated = {name: line[name] for name in Run.__slots__}
    settings = {str(key): str(value) for key, value in line["settings"].items()}
    for name in ("hostname", "pretty", "kernel", "command"):
        stated[name] = str(stated[name])
    numbers = {name: _whole(stated[name]) for name in ("cpus", "memory")}
    return Run(**{**stated, **numbers, "settings": settings, "started": _finite(line["started"])})


def _name(row: Sequence[Any]) -> _Name:
    name, unit, reads, kind, *of = map(str, row)
    return name, unit, reads, kind, tuple(of)


def _tick(line: Mapping[str, Any], known_names: Mapping[str, _Name]) -> Tick:
    uses = []
    ages = {}
    for row in line["uses"]:
        id, used, limit, knee, age = row
        name, unit, reads, kind, of = known_names.get(str(id), (str(id), "", "", str(id), ()))
        known = Unknown(Reason.UNREADABLE) if limit == "?" else _whole(limit)
        uses.append(Use(kind, name, _count(used), known, unit, reads, _whole(knee), of=of))
        if age:
            ages[str(id)] = _finite(age)
    counters = {str(name): _count(value) for name, value in line["counters"].items()}
    cost = line.get("cost")
    return Tick(
        time=_finite(line["time"]),
        at=_finite(line["at"]),
        counters=counters,
        uses=tuple(uses),
        ages=ages,
        cost=None if cost is None else _finite(cost),
    )


def _whole(value: Any) -> int | None:
    return None if value is None else _count(value)


def _count(value: Any) -> int:
    number = int(value)
    if abs(number) > _LARGEST:
        raise ValueError(value)
    return number


def _finite(value: Any) -> float:
    number = float(value)
    if not 0 <= number < _LATEST:
        raise ValueError(value)
    return number
