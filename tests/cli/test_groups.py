"""A group of options is an option for each field, and a value of its type in the body."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from hosttune.cli.groups import Fields, grouped


@dataclass(frozen=True, kw_only=True)
class Load:
    connections: int = 5
    role: Sequence[str] = ()
    name: str = "lb"


SHARED: dict[str, Any] = {
    "connections": Annotated[int, "an option"],
    "role": Annotated[list[str] | None, "an option"],
    "name": Annotated[str, "an option"],
}
HALVES = Annotated[float, "another option"]


def test_each_field_is_an_option_with_its_default() -> None:
    def body(load: Load, verbose: bool = False) -> Any:
        return load, verbose

    verb = grouped(body, SHARED)
    found = {name: one.default for name, one in inspect.signature(verb).parameters.items()}
    assert found == {"connections": 5, "role": None, "name": "lb", "verbose": False}
    assert verb(connections=7, role=["a"], name="x", verbose=True) == (Load(connections=7, role=["a"], name="x"), True)
    # what was not given has the default of the group
    assert verb(connections=5, role=None, name="lb", verbose=False) == (Load(), False)


def test_a_verb_may_have_some_fields_and_another_annotation() -> None:
    def body(load: Annotated[Load, Fields("name", "connections", connections=HALVES)]) -> Any:
        return load

    verb = grouped(body, SHARED)
    parameters = inspect.signature(verb).parameters
    assert list(parameters) == ["name", "connections"]
    assert parameters["connections"].annotation is HALVES
    assert verb(name="y", connections=2) == Load(name="y", connections=2)
