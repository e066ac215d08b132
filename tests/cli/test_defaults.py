"""Every verb begins with the defaults of its options: what parses an option is given its default too."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest
import typer

from hosttune.cli import app


def verbs(group: typer.Typer, name: str = "hosttune") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the function of every verb with its name."""
    for command in group.registered_commands:
        assert command.callback
        yield f"{name} {command.name or command.callback.__name__}", command.callback
    for below in group.registered_groups:
        assert below.typer_instance
        yield from verbs(below.typer_instance, f"{name} {below.name}")


VERBS = dict(verbs(app))


@pytest.mark.parametrize("name", VERBS)
def test_each_default_is_taken(name: str) -> None:
    for parameter in inspect.signature(VERBS[name]).parameters.values():
        for about in get_args(parameter.annotation)[1:]:
            parse = getattr(about, "parser", None)
            if parse is not None and parameter.default not in (None, inspect.Parameter.empty):
                assert parse(parameter.default) == parameter.default, parameter.name
