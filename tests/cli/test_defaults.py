"""Every verb begins with the defaults of its options: what parses an option takes its default too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from hosttune.cli import app


def verbs(command: Any, name: str = "hosttune") -> Iterator[tuple[str, Any]]:
    """Yield every verb with its name."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for below, one in command.commands.items():
        yield from verbs(one, f"{name} {below}")


VERBS = dict(verbs(typer.main.get_command(app)))


@pytest.mark.parametrize("name", VERBS)
def test_each_default_is_taken(name: str) -> None:
    for parameter in VERBS[name].params:
        parse = getattr(parameter.type, "func", None)
        if parse is not None and parameter.default is not None:
            assert parse(parameter.default) == parameter.default
