"""What the command line was, and how an answer is put on the terminal that it was given on."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

from hosttune import printable
from hosttune.terminal import streams


def command() -> str:
    """Return the command line, so that the next one can be printed."""
    return printable.words(["hosttune", *sys.argv[1:]])


def tell(sentence: str) -> None:
    """Say on standard error what is no part of the answer."""
    print(f"hosttune: {sentence}", file=sys.stderr)


def width(least: int = 60) -> int:
    """Return the columns of the terminal, 80 where there is none."""
    return max(least, shutil.get_terminal_size((80, 24)).columns)


def present(noun: Any, renderer: Any, verbose: bool = False) -> None:
    """Print what a renderer makes of a noun.

    Colour only to a terminal that has it, without NO_COLOR.
    """
    out = sys.stdout
    color = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    text = renderer.render(
        noun,
        verbose=verbose,
        color=color,
        width=width(0),
        unicode=(out.encoding or "ascii").lower().replace("-", "").startswith("utf"),
    )
    streams.put(text, color=color)
