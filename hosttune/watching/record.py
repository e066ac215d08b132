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
    found = _parsed(line)
    return found is not None and found.get("schema") == SCHEMA


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
    told: dict[str, _Name] = {}
    torn = figures = 0
    if looks > _LINES:
        raise ValueError("more in it than a watch records")
    for number, found in enumerate(_joined(lines, -(-looks // _LOOKS))):
        if number > _LINES or figures > _FIGURES or len(told) > _NAMES:
            raise ValueError("more in it than a watch records")
        try:
            if found is None:
                torn += 1
            elif "schema" in found:
                runs.append(_run(found))
            elif "names" in found:
                told.update({str(id): _name(row) for id, row in found["names"].items()})
            else:
                ticks.append(_tick(found, told))
                figures += len(ticks[-1].uses) + len(ticks[-1].counters)
        except _WRONG:
            torn += 1
    return Record(tuple(runs), tuple(sorted(ticks, key=lambda tick: tick.time)), torn, max(looks, len(ticks)))


def _joined(lines: Iterable[str], many: int) -> Iterator[Line | None]:
    """Yield what is in each line, None for one that cannot be read, with so many looks in a row made one."""
    waiting: Line | None = None
    held = apart = 0
    for one in lines:
        found = _parsed(one)
        if found is None and not one.strip():
            continue
        if found is None or many < 2 or "time" not in found:
            yield from (waiting,) if waiting is not None else ()
            waiting = None
            yield found
            continue
        merged = _together(waiting, found)
        if merged is None and apart < _LOOKS:  # a limit changed: both stay
            yield waiting
            apart, held = apart + 1, 0
        held = held + 1 if waiting is not None else 1
        waiting = merged or found  # where it changes all the time, the last one stays
        if held >= many:
            yield waiting
            waiting = None
    if waiting is not None:
        yield waiting


def _together(waiting: Line | None, found: Line) -> Line | None:
    """Return two looks as one, None where they cannot be."""
    try:
        return found if waiting is None else _merged(waiting, found)
    except _WRONG:
        return None


def thinned(lines: Iterable[str], looks: int) -> Iterator[str]:
    """Yield the lines of a record with every two neighbouring looks made one, but for the newest; `looks` are there.

    Of two the later one stays, with the higher use of both, so that no maximum is lost; counters only rise, so theirs
    is the later one too. Two between which a limit changed both stay, and so does the first of a run: it began there.
    """
    waiting: Line | None = None
    seen, begins = 0, False
    for one in lines:
        found = _parsed(one)
        if found is None:
            continue
        if "time" not in found:
            yield from _lines(waiting)
            waiting = None
            begins |= "schema" in found
            yield text(found)
            continue
        seen += 1
        if begins or seen > looks * (1 - _RECENT):
            yield from _lines(waiting)
            waiting, begins = None, False
            yield text(found)
        elif waiting is None:
            waiting = found
        else:
            try:
                merged = _merged(waiting, found)
            except _WRONG:
                merged = None
            yield from _lines(*((waiting, found) if merged is None else (merged,)))
            waiting = None
    yield from _lines(waiting)


def _lines(*found: Line | None) -> Iterator[str]:
    yield from (text(one) for one in found if one is not None)


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
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _run(found: Mapping[str, Any]) -> Run:
    told = {name: found[name] for name in Run.__slots__}
    settings = {str(key): str(value) for key, value in found["settings"].items()}
    for name in ("hostname", "pretty", "kernel", "command"):
        told[name] = str(told[name])
    numbers = {name: _whole(told[name]) for name in ("cpus", "memory")}
    return Run(**{**told, **numbers, "settings": settings, "started": _finite(found["started"])})


def _name(row: Sequence[Any]) -> _Name:
    name, unit, reads, kind, *of = map(str, row)
    return name, unit, reads, kind, tuple(of)


def _tick(found: Mapping[str, Any], told: Mapping[str, _Name]) -> Tick:
    uses = []
    ages = {}
    for row in found["uses"]:
        id, used, limit, knee, age = row
        name, unit, reads, kind, of = told.get(str(id), (str(id), "", "", str(id), ()))
        known = Unknown(Reason.UNREADABLE) if limit == "?" else _whole(limit)
        uses.append(Use(kind, name, _count(used), known, unit, reads, _whole(knee), of=of))
        if age:
            ages[str(id)] = _finite(age)
    counters = {str(name): _count(value) for name, value in found["counters"].items()}
    cost = found.get("cost")
    return Tick(
        time=_finite(found["time"]),
        at=_finite(found["at"]),
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
