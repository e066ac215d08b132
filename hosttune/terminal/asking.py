"""Ask the person at the terminal; whatever is no yes changes nothing."""

from __future__ import annotations

import sys

from hosttune.errors import RefusedError, StoppedError, UsageError
from hosttune.printable import clean
from hosttune.terminal import streams


def check(format: str, *, settled: bool) -> None:
    """Raise UsageError where a question would have to be asked that nobody can answer; `settled`: none will be."""
    if settled:
        return
    if format != "table":
        raise UsageError(f"--format {format}: a program cannot answer: preview with --dry-run, apply with --yes")
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("not a terminal: preview with --dry-run, apply with --yes")


def agree(question: str) -> None:
    """Return on a yes; raises RefusedError for anything else, StoppedError on Ctrl-C."""
    lost = streams.lost()
    if lost:
        raise RefusedError(f"nothing was changed: what would be could not be shown ({lost.strerror})")
    try:
        answer = input(f"\n{clean(question)} [y/N] ")
    except EOFError:
        print()
        raise RefusedError("nothing was changed") from None
    except KeyboardInterrupt:
        print()
        raise StoppedError("nothing was changed") from None
    if answer.strip().lower() not in ("y", "yes"):
        raise RefusedError("nothing was changed")
