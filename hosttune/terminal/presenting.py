"""What the command line was, and how an answer is put on the terminal that it was given on."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from hosttune import printable, registry
from hosttune.errors import UsageError
from hosttune.render.formats.json import document
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


def check_format(name: str, known: Sequence[str] = ("table", "json")) -> None:
    """Raise UsageError where a verb has no format of this name."""
    if name not in known:
        raise UsageError(f"--format {name}: unknown; choose {', '.join(known[:-1])} or {known[-1]}")


def answer(noun: Any, format: str = "table") -> None:
    """Print a noun in a format: what its view makes of it, named as its type is."""
    view = registry.load("hosttune.render.view", re.sub(r"(?<=.)([A-Z])", r"_\1", type(noun).__name__).lower())
    if format == "table":
        sys.stdout.write(view.table(noun, width()))
    else:
        sys.stdout.write(document(view.SCHEMA, view.plain(noun)))
