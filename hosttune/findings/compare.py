"""Does one value hold against one requirement? Pure, and the only place that knows the operators."""

from __future__ import annotations

from collections.abc import Callable

from hosttune.model import Operator, Requirement, Value
from hosttune.ports import mask_of


def holds(requirement: Requirement, value: Value, now: Value | None = None) -> bool:
    """Say whether `value` meets the requirement; `now` is the running value that NOT_BELOW_NOW refers to."""
    wants = requirement.wants
    match requirement.operator:
        case Operator.EQUALS:
            return value == wants[0]
        case Operator.AT_LEAST:
            return _each(value, wants[0], lambda have, want: have >= want)
        case Operator.AT_MOST:
            return _each(value, wants[0], lambda have, want: have <= want)
        case Operator.BETWEEN:
            return _each(value, wants[0], lambda h, w: h >= w) and _each(value, wants[1], lambda h, w: h <= w)
        case Operator.COVERS:
            return _covers(value, wants[0])
        case Operator.ONE_OF:
            return value in wants
        case Operator.NOT_BELOW_NOW:
            return now is None or _each(value, now, lambda have, want: have >= want)


def _each(value: Value, want: Value, good: Callable[[int, int], bool]) -> bool:
    have = _numbers(value)
    wanted = _numbers(want)
    # the kernel accepts negative sizes and then means something else by them: never good enough
    if have is None or wanted is None or len(have) < len(wanted) or (min(have) < 0 <= min(wanted)):
        return False
    return all(good(h, w) for h, w in zip(have, wanted, strict=False))


def _numbers(value: Value) -> tuple[int, ...] | None:
    if isinstance(value, int):
        return (value,)
    return value if isinstance(value, tuple) and value else None


def _covers(value: Value, want: Value) -> bool:
    if isinstance(value, tuple) and isinstance(want, tuple) and len(value) == len(want) == 2:
        return value[0] <= want[0] and value[1] >= want[1]
    if isinstance(want, tuple):
        return False  # half a range, or text: nothing that a range could be read from
    # a list of a single port reads as a number
    return mask_of(str(want)) & ~mask_of(str(value)) == 0
