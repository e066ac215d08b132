"""Conditions on fields, to which whoever decodes a value of the model holds it; what Python makes is not checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Checked:
    """A condition on a field, for `Annotated`: `check` raises ValueError for a value that breaks it."""

    check: Callable[[Any], object]

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema

        def checked(value: Any) -> Any:
            self.check(value)
            return value

        return core_schema.no_info_after_validator_function(checked, handler(source))


def within(low: int, high: int) -> Checked:
    """Return the condition that a number is from `low` to `high`."""

    def check(value: int) -> None:
        if not low <= value <= high:
            raise ValueError(f"it is not within {low} and {high}")

    return Checked(check)
