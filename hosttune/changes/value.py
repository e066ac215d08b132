"""The value to set: as near to what is there as a requirement allows, so that nothing better is lowered."""

from __future__ import annotations

from collections.abc import Callable

from hosttune.model import Operator, Requirement, Unknown, Value
from hosttune.ports import mask_of, text_of


def meet(requirement: Requirement, have: Value | None) -> Value | None:
    """Return the nearest value that holds: `have` itself where it does; None where that is unknown.

    `have` None is a value that is not known.
    """
    wants = requirement.wants
    if requirement.operator is Operator.NOT_BELOW_NOW or not wants:
        return have
    match requirement.operator:
        case Operator.EQUALS:
            return wants[0]
        case Operator.ONE_OF:
            return have if have in wants else wants[0]
        case Operator.AT_LEAST:
            return _each(have, wants[0], max)
        case Operator.AT_MOST:
            return _each(have, wants[0], _at_most)
        case Operator.BETWEEN:
            return _each(_each(have, wants[0], max), wants[1], _at_most)
        case Operator.COVERS:
            return _cover(have, wants[0])


def stronger(requirement: Requirement, value: Value, other: Value) -> Value:
    """Return the better of two values that both hold; `value` where neither is better."""
    match requirement.operator:
        case Operator.AT_LEAST:
            return _each(other, value, max)
        case Operator.AT_MOST:
            return _each(other, value, min)
        case Operator.COVERS:
            return _cover(other, value)
    return value


def highest(value: Value, other: Value) -> Value:
    """Return the higher of two numbers, element by element of several; `value` where it is text."""
    return _each(other, value, max)


def text(value: Value) -> str:
    """Return a value as the kernel reads it."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def pair(value: Value | Unknown | None) -> tuple[int, int] | None:
    """Return a value as two numbers, such as soft and hard; None where it is none such."""
    return (value[0], value[1]) if isinstance(value, tuple) and len(value) == 2 else None


def _at_most(have: int, want: int) -> int:
    # a negative size is taken by the kernel and means something else by it
    return want if have < 0 <= want else min(have, want)


def _each(have: Value | None, want: Value, pick: Callable[[int, int], int]) -> Value:
    if isinstance(have, int) and isinstance(want, int):
        return pick(have, want)
    if isinstance(have, tuple) and isinstance(want, tuple) and len(have) >= len(want):
        return tuple(pick(h, w) for h, w in zip(have, want, strict=False)) + have[len(want) :]
    return want


def _cover(have: Value | None, want: Value) -> Value:
    if isinstance(want, tuple):
        if isinstance(have, tuple) and len(have) == len(want) == 2:
            return (min(have[0], want[0]), max(have[1], want[1]))
        return want
    if have is None:
        return want
    # keep the text as it stands where it covers already, however it is spelled
    joined = mask_of(str(have)) | mask_of(str(want))
    return have if joined == mask_of(str(have)) else text_of(joined, 65536)
