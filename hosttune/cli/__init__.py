"""The command line: signatures and help, a module for each kind of verb; each body imports its command and calls it."""

from __future__ import annotations

import sys
from typing import Any

import typer

# imported for what they register, in the order of the help
from hosttune.cli import addressing, changing, hooking, looking, planning, stalling  # noqa: F401
from hosttune.cli.application import app
from hosttune.errors import HosttuneError
from hosttune.printable import shown
from hosttune.terminal import colour, presenting, progress, started, usage
from hosttune.workflows import telling

__all__ = ["app", "main"]


_LONGEST = 4000
"""Letters of a reason that are shown."""


def main(args: list[str] | None = None) -> None:
    """Run the command line; every error that a person can fix is one line on stderr."""
    from hosttune.terminal import streams

    streams.install()
    colour.choose("auto")
    raise SystemExit(streams.settle(_carried_out(args)))


def _carried_out(args: list[str] | None) -> int:
    """Return the exit code of the verb, once what went wrong is reported."""
    try:
        with progress.shown() as line, telling.to(presenting.tell, line):
            # not standalone: typer would draw a box around an error, and swallow Ctrl-C
            code = app(args, prog_name="hosttune", standalone_mode=False)
            # what was ended early has answered all the same
            code = 130 if line.stopped else code
    except HosttuneError as error:
        return _fail(args, f"hosttune: {error}", error.exit_code)
    except usage.WRONG as error:
        return _fail(args, usage.line(error), 2)
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except Exception as error:
        return _fail(args, usage.bug(error), 3)
    if code == 130:
        return _say("hosttune: interrupted", 130)
    return code if isinstance(code, int) else 0


def _fail(args: list[str] | None, text: str, code: int) -> int:
    """Say what went wrong, in the format that was asked for too, and return the exit code."""
    from hosttune.commands import failing

    words = list(sys.argv[1:] if args is None else args)
    while words and words[0].startswith("--color"):
        del words[: 1 if "=" in words[0] else 2]
    return _say(*failing.fail(words, text, code))


def _say(text: Any, code: int) -> int:
    """Print one line on stderr, after all that went to stdout, and return the exit code.

    Text that was given is shown as it was written where that can be: \\n for a newline, \\x1b for an escape.
    """
    sys.stdout.flush()
    print(_one_line(started.spelling().of(str(text))), file=sys.stderr)
    return code


def _one_line(text: str) -> str:
    # it may repeat what was given, which may be a whole file on one line
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]} ..."
    return "".join(letter if shown(letter) else ascii(letter)[1:-1] for letter in text)
