"""Whether there is colour: what --color says, else NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, else where it goes."""

from __future__ import annotations

import os
from typing import TextIO

from hosttune.errors import UsageError

WHEN = ("auto", "always", "never")

_chosen = "auto"


def choose(when: str) -> str:
    """Take the value of --color; raises UsageError for another than those of WHEN."""
    global _chosen
    if when not in WHEN:
        raise UsageError(f"--color {when}: unknown; choose {', '.join(WHEN[:-1])} or {WHEN[-1]}")
    _chosen = when
    return when


def wanted(stream: TextIO) -> bool:
    """Say whether what is written to a stream has colour.

    NO_COLOR and the others count where they are set and not empty (no-color.org); FORCE_COLOR and CLICOLOR_FORCE of 0
    force nothing.
    """
    if _chosen != "auto":
        return _chosen == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name) not in (None, "", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"
