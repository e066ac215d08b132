"""The verbs as the command line has them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import typer

from hosttune.cli import app
from hosttune.manual import verb


@cache
def tree() -> verb.Verb:
    """Return the program with all verbs below it."""
    return verb.verb(typer.main.get_command(app), "hosttune")


def every(top: verb.Verb | None = None) -> Iterator[verb.Verb]:
    """Yield the program, its groups and its verbs."""
    top = top or tree()
    yield top
    for each in top.verbs:
        yield from every(each)


def leaves() -> list[verb.Verb]:
    """Return the verbs that do something, and no groups."""
    return [each for each in every() if not each.verbs]
