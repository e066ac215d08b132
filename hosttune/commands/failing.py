"""What a check says in the format that was asked for where it could not be made at all: never nothing, never "ok"."""

from __future__ import annotations

import time
from collections.abc import Sequence

from hosttune import render
from hosttune.errors import HosttuneError
from hosttune.terminal import metrics_file, streams

_VERB = "check"
_EVERY = "--all-namespaces"
_FLAGS = "v"
"""Short options of the verb that take no value, and so may stand before one that does: -vf tap."""


def fail(args: Sequence[str], message: str, code: int) -> tuple[str, int]:
    """Say it where the answer was asked for: on standard output, in the file of --textfile.

    Returns the line for standard error, which names a file that could not be written too, and the exit code.
    """
    if not args or args[0] != _VERB:
        return message, code
    taken = round(time.time(), 3)
    elsewhere = option(args, "--snapshot") or option(args, "--root")
    try:
        # a check of another host says nothing of this one, even where it cannot be made
        _put("" if elsewhere else option(args, "--textfile"), _noun(args), message, taken)
    except HosttuneError as error:
        if str(error) not in message:
            message = f"{message}; and {error}"
    return message, fail_as_asked(args, message, code, taken)


def _noun(args: Sequence[str]) -> str:
    return "Node" if _EVERY in args else "Report"


def _put(path: str, noun: str, message: str, taken: float) -> None:
    # a file that says "ok" must not stay
    prometheus = render.format_module(noun, "prometheus")
    metrics_file.check(path, prometheus.VERB)
    if path:
        metrics_file.write(path, prometheus.failed(message, taken))


def fail_as_asked(args: Sequence[str], message: str, code: int, taken: float) -> int:
    """Print the format's own failure on standard output, if it has one, and return the exit code that it wants.

    The arguments are read as they were given, for what is wrong may be one of them.
    """
    name = option(args, "--format", "-f")
    noun = _noun(args)
    if name not in render.formats_of(noun):
        return code
    renderer = render.format_module(noun, name)
    if not hasattr(renderer, "failed"):
        return code
    streams.put(renderer.failed(message, taken))
    own = getattr(renderer, "failed_code", None)
    return own() if own else code


def option(args: Sequence[str], *names: str) -> str:
    """Return the last value of an option, "" where it is not given."""
    value, before = "", ""
    for word in args:
        if before in names:
            value = word
        before = word if word.startswith("--") else f"-{word[1:].lstrip(_FLAGS)}" if word.startswith("-") else word
        for name in names:
            # --format=tap, -ftap
            joined = f"{name}=" if name.startswith("--") else name
            if before.startswith(joined) and before != name:
                value = before[len(joined) :]
    return value
