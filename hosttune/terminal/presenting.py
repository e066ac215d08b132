"""What the command line was, and how an answer is put on the terminal that it was given on."""

from __future__ import annotations

import shutil
import sys
from typing import Any

from hosttune import printable
from hosttune.render import render
from hosttune.render.page import LEAST
from hosttune.terminal import colour, progress, started, streams


def command() -> str:
    """Return the command line, so that the next one can be printed."""
    return printable.words(["hosttune", *sys.argv[1:]])


def tell(sentence: str) -> None:
    """Say on standard error what is no part of the answer."""
    progress.clear()
    print(f"hosttune: {started.spelling().of(sentence)}", file=sys.stderr)


def width(least: int = LEAST) -> int:
    """Return the columns of the terminal, 80 where there is none."""
    return max(least, shutil.get_terminal_size((80, 24)).columns)


def unicode() -> bool:
    """Say whether standard output takes letters beyond ASCII."""
    return (sys.stdout.encoding or "ascii").lower().replace("-", "").startswith("utf")


def present(noun: Any, format: str, verbose: bool = False) -> None:
    """Print a noun in a format.

    Colour as `colour.wanted` says.
    """
    out = sys.stdout
    progress.clear()
    color = colour.wanted(out)
    text = render(
        noun,
        format,
        verbose=verbose,
        color=color,
        width=width(0),
        unicode=unicode(),
        spelling=started.spelling(),
    )
    streams.put(text, color=color)
