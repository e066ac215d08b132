"""Conditions on fields, to which whoever decodes a value of the model holds it; what Python makes is not checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def written_as(
    fields: Mapping[str, type | tuple[str, ...]],
    read: Callable[[dict[str, Any]], Any],
    write: Callable[[Any], dict[str, Any]],
) -> Any:
    """Return the schema of a type that documents write as an object with fields of its own.

    A field is a text, a number, or one of the texts that are named; `read` returns the value of an object, `write` the
    object.
    """
    from pydantic_core import core_schema as made

    def field(kind: type | tuple[str, ...]) -> Any:
        if isinstance(kind, tuple):
            return made.literal_schema(list(kind))
        return made.int_schema() if kind is int else made.str_schema()

    known = {name: made.typed_dict_field(field(kind)) for name, kind in fields.items()}
    schema = made.typed_dict_schema(known, extra_behavior="forbid")
    writing = made.plain_serializer_function_ser_schema(write, return_schema=schema)
    return made.no_info_after_validator_function(read, schema, serialization=writing)
