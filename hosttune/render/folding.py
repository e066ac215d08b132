"""Thousands of backends on a page and in a series: what is alike is one row, and what is too much is cut and counted.

Nothing of it is in the JSON, which has every bound, pool and warning.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence

from hosttune.model import Bound, PortPool, Report, Scope, Unknown
from hosttune.printable import cleaned
from hosttune.render.page import MOST

LEAST = 4
"""So many that are alike are one row: fewer take no more room than what is to be said of them."""

MORE = "... and "
"""How a line begins that says how many more there are."""

_ROWS = 20  # of one kind, however they differ
_NAMED = 3
_REMARKS = 30  # kinds of remarks
_LOOKED_AT = 300  # letters of a remark that say of which kind it is: the search takes the square of them at most
_NOUNS = {Scope.BACKEND: "backends", Scope.SECTION: "sections", Scope.LISTENER: "listeners"}
_VARYING = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s,;()]*[0-9][^\s,;()]*")
"""What tells remarks of one kind apart: what is quoted, and words with a digit: addresses, numbers, file:line."""


@dataclasses.dataclass(frozen=True, slots=True)
class Several(Bound):
    """A bound that stands for several; the first of its notes names some of them."""


def folded(report: Report, *, pools: bool) -> Report:
    """Return a report whose bounds and warnings are few: what is alike is one that says how many it is.

    It is safe to print; without `pools` it has none, and no backends of the workload, which no view shows.
    """
    few = dataclasses.replace(
        report,
        bounds=_rows(report.bounds),
        warnings=texts(report.warnings),
        pools=report.pools if pools else (),
        workload=dataclasses.replace(report.workload, backends=()),
    )
    return cleaned(few)


def texts(lines: Sequence[str]) -> tuple[str, ...]:
    """Return texts, those that differ in names and numbers alone as the first of them and how many more there are."""
    kinds: dict[str, list[str]] = {}
    for line in lines:
        kinds.setdefault(_VARYING.sub("#", line[:_LOOKED_AT]), []).append(line)
    made: list[str] = []
    for alike in [*kinds.values()][:_REMARKS]:
        if len(alike) <= LEAST:
            made += alike
        else:
            made += [*alike[:_NAMED], f"{MORE}{len(alike) - _NAMED:,} more like it"]
    left = sum(map(len, [*kinds.values()][_REMARKS:]))
    return (*made, *((f"{MORE}{left:,} more (--format json)",) if left else ()))


def names(of: Sequence[str]) -> str:
    """Return some names, and how many more there are."""
    if len(of) <= LEAST:
        return ", ".join(of)
    return f"{', '.join(of[:_NAMED])} and {len(of) - _NAMED:,} more"


def spread(numbers: Iterable[int]) -> str:
    """Return a number, or the least and the greatest of several."""
    every = [*numbers]
    least, most = min(every), max(every)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _rows(bounds: Sequence[Bound]) -> tuple[Bound, ...]:
    kinds: dict[tuple[object, ...], list[Bound]] = {}
    for bound in bounds:
        kinds.setdefault(_key(bound) if _one_of(bound) else (id(bound),), []).append(bound)
    made: list[Bound] = []
    rows: dict[tuple[object, ...], int] = {}
    rest: dict[tuple[object, ...], list[Bound]] = {}
    for alike in kinds.values():
        parts = [_one(alike)] if len(alike) >= LEAST else alike
        for part in parts:
            kind = (part.kind, part.unit, part.scope, isinstance(part.hard, int))
            rows[kind] = rows.get(kind, 0) + 1
            if _one_of(part) and rows[kind] > _ROWS:
                rest.setdefault(kind, []).extend(alike if part is parts[0] and len(parts) == 1 else [part])
                continue
            made.append(part)
    return (*made, *map(_remaining, rest.values()))


def _one_of(bound: Bound) -> bool:
    return bool(bound.of) and bound.scope in _NOUNS


def _as_several(bound: Bound, **changes: object) -> Several:
    values = {field.name: getattr(bound, field.name) for field in dataclasses.fields(bound)}
    return Several(**values | changes)


def _key(bound: Bound) -> tuple[object, ...]:
    """Return what bounds of one row have in common: all that a person would act on."""
    raised = tuple((remedy.subject.partition(":")[0], remedy.value) for remedy in bound.remedies)
    about = (bound.fails, bound.log, bound.counter)
    return (bound.kind, bound.unit, bound.scope, bound.hard, bound.most, bound.knee, *about, raised)


def _one(alike: Sequence[Bound]) -> Bound:
    """Return what stands for bounds that are alike: as full as the fullest of them."""
    first, count = alike[0], len(alike)
    reads = first.reads if all(bound.reads == first.reads for bound in alike) else ""
    notes = first.notes if all(bound.notes == first.notes for bound in alike) else ()
    each = f"each {reads}: " if reads[:1].isdecimal() else ""
    remedies = first.remedies
    if any(bound.raised_by != first.raised_by for bound in alike):
        remedies = tuple(dataclasses.replace(r, text=f"{r.text}, and the same {count - 1:,} times") for r in remedies)
    return _as_several(
        first,
        name=_called(first, f"{count:,} {_NOUNS[first.scope]}"),
        used=max((bound.used for bound in alike if bound.used is not None), default=None),
        reads=reads,
        remedies=remedies,
        notes=(f"{each}{names([bound.of for bound in alike])}", *notes),
        of=f"{first.of} and others",
    )


def _remaining(bounds: Sequence[Bound]) -> Bound:
    """Return what stands for bounds that differ, but are too many for a row each; the narrowest has its row."""
    first = bounds[0]
    numbers = [bound.hard for bound in bounds if isinstance(bound.hard, int)]
    between = f"{spread(numbers)}, " if numbers else ""
    return _as_several(
        first,
        name=_called(first, f"{len(bounds):,} more {_NOUNS[first.scope]}"),
        used=None,
        reads="",
        remedies=(),
        notes=(f"{between}--format json has each of them: {names([bound.of for bound in bounds])}",),
        of=f"{first.of} and others",
    )


def _called(bound: Bound, many: str) -> str:
    name = bound.name.replace(bound.of, many) if bound.of and bound.of in bound.name else f"{bound.name}, {many}"
    return name.replace("ports ", "ports of ", 1) if name.startswith("ports ") else name


def few(report: Report) -> Report:
    """Return a report with a bound for each backend, section or listener of one kind where they are no more than MOST.

    Of more the narrowest is left, and one of those that are unknown: its `of` is what they are, so that its id stays
    the same however many they are, and no monitoring gets thousands of series. Pools likewise.
    """
    kinds: dict[tuple[object, ...], list[Bound]] = {}
    for bound in report.bounds:
        kind = (bound.kind, bound.unit, bound.scope) if _one_of(bound) else (id(bound),)
        kinds.setdefault(kind, []).append(bound)
    bounds = [b for every in kinds.values() for b in (every if len(every) <= MOST else _narrowest(every))]
    return dataclasses.replace(report, bounds=tuple(bounds))


def _narrowest(bounds: Sequence[Bound]) -> list[Bound]:
    known = [bound for bound in bounds if not isinstance(bound.hard, Unknown)]
    unknown = [bound for bound in bounds if isinstance(bound.hard, Unknown)]
    made = []
    if known:
        least = min(known, key=lambda bound: bound.hard if isinstance(bound.hard, int) else 1 << 63)
        made.append(
            dataclasses.replace(
                _counted(least, known),
                knee=min((bound.knee for bound in known if bound.knee is not None), default=None),
                used=max((bound.used for bound in known if bound.used is not None), default=None),
            )
        )
    if unknown:
        made.append(dataclasses.replace(_counted(unknown[0], unknown), of=f"{_NOUNS[unknown[0].scope]}-unknown"))
    return made


def _counted(bound: Bound, every: Sequence[Bound]) -> Bound:
    noun = _NOUNS[bound.scope]
    return dataclasses.replace(bound, name=f"{bound.name}, the narrowest of {len(every):,} {noun}", of=noun)


def pools(pools: Sequence[PortPool]) -> list[list[PortPool]]:
    """Return pools in groups: those of a source that are alike but for the backend and what is in use."""
    kinds: dict[tuple[object, ...], list[PortPool]] = {}
    for pool in pools:
        ports = (pool.low, pool.high, pool.in_range, pool.reserved, pool.blocked, pool.usable)
        kinds.setdefault((pool.source, pool.mode, *ports), []).append(pool)
    return [part for of in kinds.values() for part in ([of] if len(of) >= LEAST else [[pool] for pool in of])]
