"""What a check says in the format that was asked for where it could not be made at all: never nothing, never "ok"."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from hosttune import registry

_VERB = "check"


def told(args: Sequence[str], message: str, code: int) -> int:
    """Print the format's own failure on standard output, if it has one, and return the exit code that it wants.

    The arguments are read as they were given, for what is wrong may be one of them.
    """
    name = option(args, "--format", "-f")
    if not args or args[0] != _VERB or name not in registry.names("hosttune.render"):
        return code
    renderer = registry.load("hosttune.render", name)
    if not hasattr(renderer, "failed"):
        return code
    sys.stdout.write(renderer.failed(message))
    own = getattr(renderer, "failed_code", None)
    return own() if own else code


def option(args: Sequence[str], *names: str) -> str:
    """Return the last value of an option, "" where it is not given."""
    found = ""
    for before, word in zip(("", *args), args, strict=False):
        if before in names:
            found = word
        for name in names:
            if name.startswith("--") and word.startswith(f"{name}="):
                found = word.partition("=")[2]
    return found
