"""Options of docker run, each on a line that goes on in the next."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from hosttune.model import Shortfall
from hosttune.render.containers import limits

COMMENT = ""

_PLAIN = re.compile(r"[A-Za-z0-9_,.:/-]+")


def lines(lacks: Shortfall, name: str = "") -> list[str]:
    """Return the options as a shell reads them."""
    return written(pairs(lacks), lacks)


def written(sysctls: Sequence[str], lacks: Shortfall) -> list[str]:
    """Return options for sysctls as a shell reads them, and for the descriptors."""
    options = [f"--sysctl {pair}" for pair in sysctls]
    options += [f"--ulimit nofile={limits(lacks)}"] if lacks.nofile else []
    return [*(f"{option} \\" for option in options[:-1]), *options[-1:]]


def pairs(lacks: Shortfall) -> list[str]:
    """Return the sysctls as KEY=VALUE, as a shell reads them."""
    return [f"{key}={_quoted(value)}" for key, value in lacks.sysctls]


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    return f'"{value}"' if _PLAIN.fullmatch(value.replace(" ", "_")) else shlex.quote(value)
