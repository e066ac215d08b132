"""What is fuzzed: a part makes inputs, most of them nearly valid, and gives each to the code that must take it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

Given = dict[str, Any]
"""An input: plain JSON, so that a failure can be kept as it is. Bytes stand in it as text of Latin-1 or surrogates."""


class Wrong(Exception):
    """What was done with an input is not what is promised; the text says what, `where` is what makes it the same."""

    def __init__(self, text: str, where: str = "") -> None:
        super().__init__(text)
        self.where = where or text


@dataclass(frozen=True, slots=True)
class Part:
    """One parser, or one verb with one kind of input.

    `make` returns an input; `run` takes it and returns whether it got past the schema, raises Wrong, or anything, where
    the code fails. `schema`: there is one, and half of the inputs must get past it. `share` of the inputs of a run.
    """

    name: str
    make: Callable[[Random], Given]
    run: Callable[[Given], bool]
    schema: bool = False
    share: float = 1.0

    def input(self, seed: str, number: int) -> Given:
        """Return the input of a number: the same for the same seed, wherever and whenever."""
        return self.make(Random(f"{seed}/{self.name}/{number}"))


def parts(only: str = "") -> list[Part]:
    """Return all parts, or those whose name begins with one of the words of `only`, in a fixed order."""
    names = sorted(path.stem for path in (Path(__file__).parent / "kinds").glob("[a-z]*.py"))
    found = [part for name in names for part in importlib.import_module(f"tests.fuzz.kinds.{name}").PARTS]
    wanted = tuple(word.strip() for word in only.split(",") if word.strip())
    return [part for part in found if part.name.startswith(wanted)] if wanted else found
