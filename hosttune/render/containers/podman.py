"""Options of podman run, each on a line that goes on in the next; it parts the value of one at commas (RFC 4180)."""

from __future__ import annotations

import shlex

from hosttune.model import Shortfall
from hosttune.render.containers import docker

COMMENT = ""


def lines(lacks: Shortfall, name: str = "") -> list[str]:
    """Return the options as a shell reads them; what has a comma in it is one value between quotes of its own."""
    words = [f"{key}={value}" for key, value in lacks.sysctls]
    quoted = [shlex.quote(one_value(word)) for word in words if parted(word)]
    plain = [pair for pair, word in zip(docker.pairs(lacks), words, strict=True) if not parted(word)]
    return docker.written([*plain, *quoted], lacks)


def parted(word: str) -> bool:
    """Say whether podman would read more than one value."""
    return "," in word or word.startswith('"')


def one_value(word: str) -> str:
    """Return what podman reads as this one."""
    return '"' + word.replace('"', '""') + '"'
