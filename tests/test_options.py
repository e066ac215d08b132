"""What can be asked: a group refuses what it cannot hold, whoever makes it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from hosttune.errors import UsageError
from hosttune.options import (
    ApplyOptions,
    Dialogue,
    Options,
    Place,
    Proving,
    RollbackOptions,
    SourceOptions,
    Stall,
    Watching,
    bounds,
    spelled,
)

GROUPS = (ApplyOptions, Dialogue, Options, Place, Proving, RollbackOptions, SourceOptions, Stall, Watching)


@pytest.mark.parametrize(
    ("group", "given", "line"),
    [
        (Options, {"connections": "many"}, "--connections 'many': it takes a number"),
        (Options, {"connections": True}, "--connections True: it takes a number"),
        (Options, {"connections": -5}, "--connections -5: must be 1 to 1,000,000,000"),
        (Options, {"rate": 10**12}, "--rate 1,000,000,000,000: must be 1 to 10,000,000"),
        (Options, {"role": 5}, "--role 5: it takes texts"),
        (Options, {"backend": ["10.0.0.1:80", None]}, "--backend None: it takes a text"),
        (Options, {"backends_from": None}, "--backends-from None: it takes texts"),
        (Place, {"root": 3}, "--root 3: it takes a text"),
        (RollbackOptions, {"id": 0}, "--id 0: must be 1 to 1,000,000,000"),
        (Watching, {"interval": "1s"}, "--interval '1s': it takes a number"),
        (ApplyOptions, {"live": "yes"}, "--live 'yes': it takes True or False"),
    ],
)
def test_what_a_group_cannot_hold_is_one_line(group: Any, given: dict[str, Any], line: str) -> None:
    with pytest.raises(UsageError) as caught:
        group(**given)
    assert str(caught.value) == line


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_holds_its_defaults_and_spells_nothing_of_them(group: Any) -> None:
    assert spelled(group()) == []


@pytest.mark.parametrize("group", GROUPS)
def test_each_bound_can_be_held(group: Any) -> None:
    for held in (field for field in fields(group) if field.metadata):
        for number in bounds(group, held.name):
            assert getattr(group(**{held.name: number}), held.name) == number
