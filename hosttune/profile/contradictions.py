"""Can what several roles ask of one subject hold at once? Reported before anything is judged or written."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from hosttune.errors import ProfileError
from hosttune.model import Operator, Requirement, Value
from hosttune.ports import mask_of

Span = tuple[int | None, int | None]
"""The least and the most that one number of a value may be, None: no end."""


def refuse(requirements: Iterable[Requirement]) -> None:
    """Raise ProfileError for the first subject that no value serves, naming the two requirements that clash."""
    by_subject: dict[str, list[Requirement]] = {}
    for requirement in requirements:
        if requirement.wants and not requirement.waived:
            by_subject.setdefault(str(requirement.subject), []).append(requirement)
    for subject, rows in by_subject.items():
        for a, b in itertools.combinations(rows, 2):
            if not _both_hold(a, b):
                raise ProfileError(_sentence(subject, [a, b]))
        # each two of three may agree on a value that the third does not take
        fixed = next((row for row in rows if _fixed(row)), None)
        if fixed and not any(all(_takes(row, value) for row in rows) for value in _fixed(fixed)):
            raise ProfileError(_sentence(subject, rows))


def _sentence(subject: str, rows: Sequence[Requirement]) -> str:
    wants = ", ".join(f"{row.origin} needs {_words(row)}" for row in rows)
    return f"{subject}: {wants}; no value serves all, waive or drop one in your own profile"


def _words(row: Requirement) -> str:
    joined = " and " if row.operator is Operator.BETWEEN else " or "
    return f"{row.operator.replace('_', ' ')} {joined.join(map(_shown, row.wants))}"


def _shown(value: Value) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _both_hold(a: Requirement, b: Requirement) -> bool:
    for row, other in ((a, b), (b, a)):
        if _fixed(row):
            return any(_takes(other, value) for value in _fixed(row))
    pairs = zip(_spans(a), _spans(b), strict=False)
    return all(_meet(span, other) for span, other in pairs)


def _meet(span: Span, other: Span) -> bool:
    least = max((end for end in (span[0], other[0]) if end is not None), default=None)
    most = min((end for end in (span[1], other[1]) if end is not None), default=None)
    return least is None or most is None or least <= most


def _fixed(row: Requirement) -> tuple[Value, ...]:
    """Return the values of which one must be, empty where any within an interval will do."""
    return row.wants if row.operator in (Operator.EQUALS, Operator.ONE_OF) else ()


def _takes(row: Requirement, value: Value) -> bool:
    if _fixed(row):
        return value in row.wants
    if row.operator is Operator.COVERS and isinstance(row.wants[0], str):
        return mask_of(row.wants[0]) & ~mask_of(str(value)) == 0
    spans, numbers = _spans(row), _numbers(value)
    if len(numbers) < len(spans):
        return False
    return all(_meet(span, (number, number)) for span, number in zip(spans, numbers, strict=False))


def _spans(row: Requirement) -> list[Span]:
    """Return what each number of a value may be; empty for text, which nothing but a fixed value contradicts."""
    first = _numbers(row.wants[0])
    match row.operator:
        case Operator.AT_LEAST:
            return [(number, None) for number in first]
        case Operator.AT_MOST:
            return [(None, number) for number in first]
        case Operator.BETWEEN:
            return list(zip(first, _numbers(row.wants[1]), strict=False))
        case Operator.COVERS if len(first) == 2:
            return [(None, first[0]), (first[1], None)]
    return []


def _numbers(value: Value) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) if isinstance(value, int) else ()
