"""What the command line was, and how an answer is put on the terminal that it was given on."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import Any

from hosttune import printable
from hosttune.render import render
from hosttune.terminal import started, streams


def command() -> str:
    """Return the command line, so that the next one can be printed."""
    return printable.words(["hosttune", *sys.argv[1:]])


def tell(sentence: str) -> None:
    """Say on standard error what is no part of the answer."""
    print(f"hosttune: {started.spelling().of(sentence)}", file=sys.stderr)


def width(least: int = 60) -> int:
    """Return the columns of the terminal, 80 where there is none."""
    return max(least, shutil.get_terminal_size((80, 24)).columns)


def unicode() -> bool:
    """Say whether standard output takes letters beyond ASCII."""
    return (sys.stdout.encoding or "ascii").lower().replace("-", "").startswith("utf")


def present(noun: Any, format: str, verbose: bool = False) -> None:
    """Print a noun in a format.

    Colour only to a terminal that has it, without NO_COLOR.
    """
    out = sys.stdout
    color = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
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


@contextlib.contextmanager
def progress() -> Iterator[Callable[[int, int, str], None]]:
    """Give what says on a terminal's stderr how far it is; nothing remains of it there."""

    def put(line: str) -> None:
        if sys.stderr.isatty():
            with streams.passing(streams.Passing.SCREEN, sys.stderr):
                sys.stderr.write(f"\r\x1b[K{printable.clean(line)[: width(0) - 1]}")
            sys.stderr.flush()

    def step(number: int, total: int, what: str) -> None:
        bar = "#" * (20 * number // total)
        put(f"  [{bar:<20}] {number + 1} of {total}: {what}")

    try:
        yield step
    finally:
        put("")
